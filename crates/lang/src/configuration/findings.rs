//! Faults of a stack, apart by how far it has to be looked at to see them. Terraform ends each of these steps where it found one, and not
//! every verb takes all of them: installing modules needs no names, and what only a plan sees is no fault of the configuration.

use diag::Diagnostics;

/// What is wrong with a stack as far as it shows without a value and without a provider.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Of blocks as such: syntax, what may stand where, what is declared twice, arguments that the language itself reads. Whoever reads
    /// the stack tells these.
    pub blocks: Diagnostics,
    /// Of what expressions name, of what modules are given, and circles: told where a stack is validated, and before it is planned.
    pub references: Diagnostics,
    /// Told where it is planned: what refers to itself, what replaces a resource, and moves that contradict each other.
    pub planning: Diagnostics,
}

impl Findings {
    /// Adds those of a part.
    pub(super) fn extend(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
        self.references.extend(other.references);
        self.planning.extend(other.planning);
    }

    /// All of them, in the order of their places.
    #[must_use]
    pub fn all(self) -> Diagnostics {
        let mut all = self.blocks;
        all.extend(self.references);
        all.extend(self.planning);
        all.sort();
        all
    }

    pub(super) fn sort(&mut self) {
        for list in [&mut self.blocks, &mut self.references, &mut self.planning] {
            list.sort();
        }
    }
}
