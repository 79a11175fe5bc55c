//! What an enum's variants say of themselves, and what is refused.

use proc_macro2::Span;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitInt, LitStr, Result};

/// One variant.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The name under which it is stored or asked for.
    pub(crate) name: String,
    /// Where the name is said.
    name_span: Span,
    /// The version of its data's shape.
    pub(crate) version: u32,
    /// Whether it has no data.
    pub(crate) unit: bool,
}

/// The variants of the enum that `#[derive(NAME)]` stands on.
pub(crate) fn of(input: &DeriveInput, derive: &str) -> Result<Vec<Variant>> {
    let Data::Enum(data) = &input.data else {
        let message = format!("derive({derive}) is for an enum with one variant for each name");
        return Err(Error::new_spanned(&input.ident, message));
    };
    if !input.generics.params.is_empty() {
        let message = format!("derive({derive}) is for an enum without generic parameters");
        return Err(Error::new_spanned(&input.generics, message));
    }
    refuse_representations(&input.attrs)?;
    let mut variants = Vec::new();
    let mut errors: Option<Error> = None;
    for variant in &data.variants {
        match one(variant) {
            Ok(found) => variants.push(found),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    if variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "an enum without variants has no names"));
    }
    refuse_repeated(&variants)?;
    Ok(variants)
}

fn one(variant: &syn::Variant) -> Result<Variant> {
    let unit = match &variant.fields {
        Fields::Unit => true,
        Fields::Named(_) => false,
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => false,
        Fields::Unnamed(_) => {
            let message = "a variant has named fields, one value, or nothing: name these fields, so that \
                           the stored data is an object whose fields can be told apart";
            return Err(Error::new_spanned(&variant.fields, message));
        }
    };
    let mut found = Variant {
        ident: variant.ident.clone(),
        name: variant.ident.to_string().trim_start_matches("r#").to_owned(),
        name_span: variant.ident.span(),
        version: 1,
        unit,
    };
    for attribute in &variant.attrs {
        if attribute.path().is_ident("serde") {
            if let Some(name) = serde_rename(attribute)? {
                found.name = name.value();
                found.name_span = name.span();
            }
        } else if attribute.path().is_ident("event") {
            found.version = version(attribute)?;
        }
    }
    check_name(&found)?;
    Ok(found)
}

/// The name of `#[serde(rename = "…")]`; whatever else stands there is serde's business.
fn serde_rename(attribute: &Attribute) -> Result<Option<LitStr>> {
    let mut name = None;
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("rename") && meta.input.peek(syn::Token![=]) {
            name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("rename") {
            return Err(meta.error("stored and read names are one: write rename = \"Name\""));
        } else {
            skip(&meta)?;
        }
        Ok(())
    })?;
    Ok(name)
}

/// The number of `#[event(version = N)]`.
fn version(attribute: &Attribute) -> Result<u32> {
    let mut version = None;
    attribute.parse_nested_meta(|meta| {
        if !meta.path.is_ident("version") {
            return Err(meta.error("nothing but `version = N` may stand here"));
        }
        let number: LitInt = meta.value()?.parse()?;
        match number.base10_parse::<u32>() {
            Ok(1..) => version = number.base10_parse().ok(),
            _ => return Err(Error::new_spanned(number, "versions are whole numbers from 1")),
        }
        Ok(())
    })?;
    version.ok_or_else(|| Error::new_spanned(attribute, "write #[event(version = N)]"))
}

/// Attributes that make serde write an enum in a way that is not `{"NAME":DATA}`.
fn refuse_representations(attributes: &[Attribute]) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            for refused in ["tag", "content", "untagged", "into", "from", "try_from", "transparent"] {
                if meta.path.is_ident(refused) {
                    return Err(meta.error(format!(
                        "the name is stored beside the data, so the enum must have serde's default form: \
                         remove `{refused}`"
                    )));
                }
            }
            if meta.path.is_ident("rename_all") {
                return Err(meta.error(
                    "names are stored for good, so each is written out: #[serde(rename = \"name\")] on the \
                     variant",
                ));
            }
            skip(&meta)
        })?;
    }
    Ok(())
}

/// Passes over whatever follows a word of an attribute.
fn skip(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inside;
        syn::parenthesized!(inside in meta.input);
        inside.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

fn check_name(variant: &Variant) -> Result<()> {
    let name = &variant.name;
    let problem = if name.is_empty() {
        "a name is not empty"
    } else if name.starts_with('$') {
        "names that begin with `$` are Trunkline's own"
    } else if name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        "a name has no quotes, backslashes or control characters"
    } else {
        return Ok(());
    };
    Err(Error::new(variant.name_span, problem))
}

fn refuse_repeated(variants: &[Variant]) -> Result<()> {
    for (index, variant) in variants.iter().enumerate() {
        if variants[..index].iter().any(|earlier| earlier.name == variant.name) {
            let message = format!("another variant has the name \"{}\" already", variant.name);
            return Err(Error::new(variant.name_span, message));
        }
    }
    Ok(())
}
