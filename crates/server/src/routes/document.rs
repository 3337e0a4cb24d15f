//! The OpenAPI document: what the routes say of themselves, and what their types say without words.
//!
//! Invariant: what the document allows and what is accepted are the same; bodies are held against
//! it (`exact.rs`).

use std::sync::LazyLock;

use utoipa::openapi::path::{Parameter, PathItem};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, KnownFormat, Object, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, RefOr, Required};
use utoipa::{Number, OpenApi};

use super::{azure_shaped, native};

/// The header that makes a request repeatable, and what it may be.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const KEYS: &str = "^[!-~]([ -~]{0,253}[!-~])?$";

#[derive(OpenApi)]
#[openapi(
    info(title = "Stepwell", description = "Machine-learning pipelines on your own machines."),
    components(schemas(stepwell_api::ErrorReply, stepwell_api::Role, stepwell_api::RunEvent)),
    security(("token" = []))
)]
pub(super) struct Document;

/// The OpenAPI document, as JSON with stable order; made at the first call.
#[must_use]
pub fn openapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(make);
    &DOCUMENT
}

fn make() -> String {
    let mut document = native().split_for_parts().1;
    document.merge(azure_shaped().split_for_parts().1);
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components
        .security_schemes
        .insert("token".to_owned(), scheme.into());
    open_parts(components);
    components.schemas.values_mut().for_each(bound);
    for (path, item) in &mut document.paths.paths {
        bound_parameters(item);
        if path.contains("/files/")
            && let Some(put) = &mut item.put
            && let Some(RefOr::T(body)) = &mut put.request_body
        {
            // No body is an empty file.
            body.required = Some(Required::False);
        }
    }
    let text = document.to_pretty_json().unwrap_or_default();
    // A trailing wildcard is axum's notation; OpenAPI has plain parameters only.
    text.replace("{*path}", "{path}")
}

/// Opens the types that are a part of a whole, as a task is of its kind and the rest: the other
/// parts have fields that a closed one would forbid.
fn open_parts(components: &mut Components) {
    let mut parts = Vec::new();
    for schema in components.schemas.values() {
        let RefOr::T(Schema::OneOf(choice)) = schema else {
            continue;
        };
        for item in &choice.items {
            if let RefOr::T(Schema::AllOf(whole)) = item {
                parts.extend(whole.items.iter().filter_map(|part| match part {
                    RefOr::Ref(part) => Some(part.ref_location.rsplit('/').next()?.to_owned()),
                    RefOr::T(_) => None,
                }));
            }
        }
    }
    for part in parts {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&part) {
            object.additional_properties = None;
        }
    }
}

fn bound_parameters(path: &mut PathItem) {
    let operations = [
        &mut path.get,
        &mut path.put,
        &mut path.post,
        &mut path.delete,
        &mut path.patch,
    ];
    for operation in operations.into_iter().flatten() {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(Parameter {
                name,
                schema: Some(schema),
                ..
            }) = parameter
            {
                bound(schema);
                // What is left out is no text `null`.
                if let RefOr::T(Schema::Object(Object { schema_type, .. })) = schema
                    && let SchemaType::Array(kinds) = &*schema_type
                    && let Some(kind) = kinds.iter().find(|kind| **kind != Type::Null)
                {
                    *schema_type = SchemaType::Type(kind.clone());
                }
                if name == IDEMPOTENCY_KEY
                    && let RefOr::T(Schema::Object(key)) = schema
                {
                    key.pattern = Some(KEYS.to_owned());
                }
            }
        }
    }
}

/// Says of each whole number, here and in every part, which ones its type holds.
fn bound(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else {
        return;
    };
    match schema {
        Schema::Object(object) => {
            bound_number(object);
            object.properties.values_mut().for_each(bound);
            if let Some(AdditionalProperties::RefOr(rest)) =
                object.additional_properties.as_deref_mut()
            {
                bound(rest);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                bound(items);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(bound),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(bound),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(bound),
        _ => {}
    }
}

fn bound_number(object: &mut Object) {
    let is_whole = match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::Integer,
        SchemaType::Array(kinds) => kinds.contains(&Type::Integer),
        SchemaType::AnyValue => false,
    };
    if !is_whole {
        return;
    }
    let Some(SchemaFormat::KnownFormat(format)) = &object.format else {
        // The width of an index is that of the machine.
        object.maximum.get_or_insert(Number::UInt(usize::MAX));
        return;
    };
    let (least, most) = match format {
        KnownFormat::UInt8 => (Number::UInt(0), Number::UInt(u8::MAX.into())),
        KnownFormat::UInt16 => (Number::UInt(0), Number::UInt(u16::MAX.into())),
        KnownFormat::UInt32 => (Number::UInt(0), Number::UInt(u32::MAX as usize)),
        // SQLite's whole numbers have a sign.
        KnownFormat::UInt64 => (Number::UInt(0), Number::Int(isize::MAX)),
        KnownFormat::Int32 => (
            Number::Int(i32::MIN as isize),
            Number::Int(i32::MAX as isize),
        ),
        KnownFormat::Int64 => (Number::Int(isize::MIN), Number::Int(isize::MAX)),
        _ => return,
    };
    object.minimum.get_or_insert(least);
    object.maximum.get_or_insert(most);
}
