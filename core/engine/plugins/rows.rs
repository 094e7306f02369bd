//! SQL values as the plugins' treaty writes them in JSON: null, numbers, text; blobs as `{"base64": text}`.

use data_encoding::BASE64;
use jackfield_abi::ops::{Code, Failure, Rows};
use jackfield_db::{Table, Value as Cell};
use serde_json::{Value, json};

/// The value to bind.
pub fn to_cell(value: &Value) -> Result<Cell, Failure> {
    let unfit = |what: &str| {
        Failure::new(
            Code::BadRequest,
            format!("a parameter is {what}; bind null, numbers, text, truth values, or {{\"base64\": text}}"),
        )
    };
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Bool(flag) => Ok(Cell::Integer((*flag).into())),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Cell::Integer(whole)),
            (None, Some(real)) => Ok(Cell::Real(real)),
            (None, None) => Err(unfit("a number out of range")),
        },
        Value::String(text) => Ok(Cell::Text(text.clone())),
        Value::Object(fields) => {
            let text = fields.get("base64").and_then(Value::as_str).ok_or_else(|| unfit("an object"))?;
            BASE64.decode(text.as_bytes()).map(Cell::Blob).map_err(|_| unfit("no base64"))
        }
        Value::Array(_) => Err(unfit("a list")),
    }
}

/// All values of a statement.
pub fn to_cells(values: &[Value]) -> Result<Vec<Cell>, Failure> {
    values.iter().map(to_cell).collect()
}

fn from_cell(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => number.into(),
        Cell::Real(number) => json!(number),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => json!({"base64": BASE64.encode(&bytes)}),
    }
}

/// A result as the treaty has it.
pub fn from_table(table: Table) -> Rows {
    let rows = table.rows.into_iter().map(|row| row.into_iter().map(from_cell).collect());
    Rows { columns: table.columns, rows: rows.collect(), more: table.more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        for value in [json!(null), json!(7), json!(1.5), json!("é"), json!({"base64": "AAEC"})] {
            assert_eq!(from_cell(to_cell(&value).unwrap()), value);
        }
        assert_eq!(from_cell(to_cell(&json!(true)).unwrap()), json!(1));
    }

    #[test]
    fn what_sqlite_has_no_value_for_is_refused() {
        for value in [json!([1]), json!({"a": 1}), json!({"base64": "?"})] {
            assert_eq!(to_cell(&value).unwrap_err().code, Code::BadRequest, "{value}");
        }
    }
}
