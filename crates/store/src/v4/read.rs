//! Reading a document.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diag::{Diagnostic, Diagnostics};
use engine::{Address, Key, Mode, ModulePath, Record, ResourceKind, StateRow, Target};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use value::{Marks, Type, Value, type_from_json};

use super::exact::Exact;
use super::marks::{Step, mark};
use super::{Document, Shapes};
use crate::order::order;

/// What every version has.
#[derive(Deserialize)]
struct Head {
    version: Option<u64>,
    terraform_version: Option<String>,
}

/// What version 4 has; members that a later Terraform may have added are passed over.
#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    terraform_version: String,
    serial: u64,
    lineage: String,
    #[serde(default, borrow)]
    outputs: std::collections::BTreeMap<String, Output<'a>>,
    #[serde(default, borrow)]
    resources: Vec<Resource<'a>>,
    #[serde(default)]
    check_results: Option<Json>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    provider: String,
    #[serde(default, borrow)]
    instances: Vec<Instance<'a>>,
}

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(default)]
    index_key: Option<Json>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(default)]
    schema_version: u64,
    #[serde(default, borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    attributes_flat: Option<Json>,
    #[serde(default)]
    sensitive_attributes: Option<Vec<Vec<Step>>>,
    #[serde(default)]
    identity_schema_version: Option<u64>,
    #[serde(default)]
    identity: Option<Json>,
    #[serde(default)]
    private: Option<String>,
    #[serde(default)]
    dependencies: Option<Vec<String>>,
    #[serde(default)]
    create_before_destroy: bool,
}

/// Reads a document. `name` is what it is called in messages: its path or address.
///
/// # Errors
/// If it is not JSON, not of version 4, or says something that cannot be; every fault of its resources is told.
pub fn read(bytes: &[u8], name: &str, shapes: &dyn Shapes) -> Result<Document, Diagnostics> {
    let text = std::str::from_utf8(bytes)
        .map_err(|fault| broken(name, &format!("byte {} is not UTF-8", fault.valid_up_to())))?;
    let head: Head = serde_json::from_str(text).map_err(|fault| broken(name, &fault.to_string()))?;
    refuse_version(name, &head)?;
    let file: File<'_> = serde_json::from_str(text).map_err(|fault| broken(name, &fault.to_string()))?;
    let mut reader = Reader {
        name,
        shapes,
        faults: Diagnostics::default(),
        texts: HashSet::new(),
        shaped: HashMap::new(),
    };
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    for resource in &file.resources {
        for row in reader.resource(resource) {
            if seen.insert((row.address.clone(), row.record.deposed.clone())) {
                rows.push(row);
            } else {
                reader.fault(&row.address.to_string(), "it is there twice");
            }
        }
    }
    let outputs = file.outputs.iter().filter_map(|(name, output)| reader.output(name, output)).collect();
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    order(&mut rows);
    Ok(Document {
        terraform_version: file.terraform_version,
        serial: file.serial,
        lineage: file.lineage,
        rows,
        outputs,
        checks: file.check_results,
    })
}

fn broken(name: &str, why: &str) -> Diagnostics {
    Diagnostics::from(
        Diagnostic::error("state-unreadable", format!("{name} is not a Terraform state"))
            .because(why)
            .hint("restore it from a backup: Terraform keeps the state before the last change beside it, with `.backup` at the end of its name"),
    )
}

fn refuse_version(name: &str, head: &Head) -> Result<(), Diagnostics> {
    let writer = head.terraform_version.as_deref().unwrap_or("an unknown version");
    let (why, hint) = match head.version {
        Some(4) => return Ok(()),
        None => ("it has no `version`".to_owned(), "check that this is the right file"),
        Some(old @ 0..=3) => (
            format!("it is of version {old}, written by Terraform {writer}; version 4 is read"),
            "run `terraform refresh` on it with any Terraform from 0.12 to 1.11 once, which brings it to version 4",
        ),
        Some(new) => (
            format!("it is of version {new}, written by Terraform {writer}; version 4 is read"),
            "use a newer Mainstay",
        ),
    };
    let fault =
        Diagnostic::error("state-unreadable", format!("{name} cannot be read")).because(why).hint(hint);
    Err(Diagnostics::from(fault))
}

/// Provider, mode and kind of a resource.
type Shaped = (Arc<str>, Mode, Arc<str>);

struct Reader<'a> {
    name: &'a str,
    shapes: &'a dyn Shapes,
    faults: Diagnostics,
    /// Texts that many rows have, once.
    texts: HashSet<Arc<str>>,
    shaped: HashMap<Shaped, Option<Arc<Type>>>,
}

impl Reader<'_> {
    fn fault(&mut self, subject: &str, why: &str) {
        let fault = Diagnostic::error("state-unreadable", format!("{} cannot be read", self.name));
        self.faults.push(fault.about(subject).because(why));
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(shared.clone());
        shared
    }

    fn output(&mut self, name: &str, output: &Output<'_>) -> Option<(String, Value)> {
        let value = type_from_json(&output.ty)
            .map_err(|fault| fault.to_string())
            .and_then(|ty| Exact::read(output.value)?.of_type(&ty));
        match value {
            Ok(value) => {
                let marks = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
                Some((name.to_owned(), value.with_marks(marks)))
            }
            Err(why) => {
                self.fault(&format!("output {name}"), &why);
                None
            }
        }
    }

    fn resource(&mut self, resource: &Resource<'_>) -> Vec<StateRow> {
        let Resource { module, mode, kind, name, provider, instances } = resource;
        let module = module.as_deref().unwrap_or_default();
        let within = if module.is_empty() { String::new() } else { format!("{module}.") };
        let subject = format!("{within}{kind}.{name}");
        let mode = match mode.as_str() {
            "managed" => Mode::Managed,
            "data" => Mode::Data,
            other => {
                self.fault(&subject, &format!("its mode is `{other}`; there are `managed` and `data`"));
                return Vec::new();
            }
        };
        let module = match module.parse::<Target>() {
            _ if module.is_empty() => ModulePath::default(),
            Ok(Target::Module(path)) => path,
            _ => {
                self.fault(&subject, &format!("`{module}` is not the address of a module"));
                return Vec::new();
            }
        };
        let (kind, provider) = (self.text(kind), self.text(provider));
        let shape = self.shape(&provider, mode, &kind);
        let address = Address {
            module,
            mode,
            kind: ResourceKind::new(kind),
            name: self.text(name),
            key: None,
            cluster: None,
        };
        instances
            .iter()
            .filter_map(|instance| {
                let row = row(&address, &provider, shape.as_deref(), instance);
                row.map_err(|(subject, why)| self.fault(&subject, &why)).ok()
            })
            .collect()
    }

    fn shape(&mut self, provider: &Arc<str>, mode: Mode, kind: &Arc<str>) -> Option<Arc<Type>> {
        let shapes = self.shapes;
        let key = (provider.clone(), mode, kind.clone());
        self.shaped.entry(key).or_insert_with(|| shapes.shape(provider, mode, kind).map(Arc::new)).clone()
    }
}

/// The row of an instance; or what it is about and what is wrong with it.
fn row(
    resource: &Address,
    provider: &Arc<str>,
    shape: Option<&Type>,
    instance: &Instance<'_>,
) -> Result<StateRow, (String, String)> {
    let subject = resource.to_string();
    let key = match &instance.index_key {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(Key::Name(name.as_str().into())),
        Some(json) => match json.as_u64() {
            Some(index) => Some(Key::Index(index)),
            None => return Err((subject, format!("`{json}` is not the key of an instance"))),
        },
    };
    let address = resource.clone().with_key(key);
    let fault = |why: String| (address.to_string(), why);
    let tainted = match instance.status.as_deref() {
        None | Some("") => false,
        Some("tainted") => true,
        Some(other) => return Err(fault(format!("its status is `{other}`; there is `tainted`"))),
    };
    let Some(attributes) = instance.attributes else {
        let why = if instance.attributes_flat.is_some() {
            "its attributes are in the form of Terraform 0.11: run `terraform refresh` on the state once"
        } else {
            "it has no attributes"
        };
        return Err(fault(why.into()));
    };
    let exact = Exact::read(attributes).map_err(&fault)?;
    // A schema of another version may have other attributes: then the provider will bring it to today's.
    let typed = shape.and_then(|shape| exact.of_shape(shape).ok());
    let implied = typed.is_none();
    let mut value = typed.unwrap_or_else(|| exact.implied());
    for path in instance.sensitive_attributes.iter().flatten() {
        // A path to what is not there any more says nothing; Terraform passes over it as well.
        if let Some(marked) = mark(&value, path, implied) {
            value = marked;
        }
    }
    let private = match &instance.private {
        Some(text) => BASE64.decode(text).map_err(|_| fault("`private` is not Base64".into()))?,
        None => Vec::new(),
    };
    let depends_on = instance
        .dependencies
        .iter()
        .flatten()
        .map(|text| text.parse().map_err(|why: engine::ParseAddressError| fault(why.to_string())))
        .collect::<Result<Vec<Address>, _>>()?;
    let identity =
        instance.identity.clone().map(|json| (instance.identity_schema_version.unwrap_or(0), json));
    let record = Record {
        deposed: instance.deposed.as_deref().filter(|key| !key.is_empty()).map(Arc::from),
        provider: provider.clone(),
        schema_version: instance.schema_version,
        private,
        tainted,
        create_before_destroy: instance.create_before_destroy,
        identity,
    };
    Ok(StateRow { address, value, depends_on, record })
}
