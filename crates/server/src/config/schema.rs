use super::written::Written;

/// The JSON Schema of configuration files, for editors.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Written);
    format!("{:#}\n", schema.as_value())
}
