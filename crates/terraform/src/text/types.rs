//! Types as the console prints them: composite ones over several lines.

use value::Type;

/// The text of a type.
#[must_use]
pub fn describe(ty: &Type) -> String {
    let mut out = String::new();
    write(ty, 0, &mut out);
    out
}

/// Spaces a level.
const INDENT: usize = 4;

fn write(ty: &Type, depth: usize, out: &mut String) {
    let inner = " ".repeat((depth + 1) * INDENT);
    let end = " ".repeat(depth * INDENT);
    let collection = |name: &str, element: &Type, out: &mut String| match element {
        Type::Bool | Type::Number | Type::String | Type::Dynamic => {
            out.push_str(&format!("{name}({})", word(element)));
        }
        _ => {
            out.push_str(&format!("{name}(\n{inner}"));
            write(element, depth + 1, out);
            out.push_str(&format!(",\n{end})"));
        }
    };
    match ty {
        Type::Bool | Type::Number | Type::String | Type::Dynamic => out.push_str(word(ty)),
        Type::List(element) => collection("list", element, out),
        Type::Set(element) => collection("set", element, out),
        Type::Map(element) => collection("map", element, out),
        Type::Tuple(elements) if elements.is_empty() => out.push_str("tuple([])"),
        Type::Tuple(elements) => {
            out.push_str("tuple([\n");
            for element in elements.iter() {
                out.push_str(&inner);
                write(element, depth + 1, out);
                out.push_str(",\n");
            }
            out.push_str(&format!("{end}])"));
        }
        Type::Object(attributes) if attributes.attributes.is_empty() => out.push_str("object({})"),
        Type::Object(attributes) => {
            out.push_str("object({\n");
            for (name, attribute) in attributes.attributes.iter() {
                out.push_str(&format!("{inner}{name}: "));
                write(&attribute.ty, depth + 1, out);
                out.push_str(",\n");
            }
            out.push_str(&format!("{end}}})"));
        }
    }
}

fn word(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Number => "number",
        Type::String => "string",
        _ => "dynamic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composite_types_take_a_line_for_each_part() {
        let ty = Type::tuple(vec![Type::list(Type::object([("a", Type::Number)])), Type::set(Type::String)]);
        let expected = "tuple([\n    list(\n        object({\n            a: number,\n        }),\n    ),\n    set(string),\n])";
        assert_eq!(describe(&ty), expected);
    }
}
