//! The implementations that the macros write.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::variants;

/// `impl Event`.
pub(crate) fn event(input: &DeriveInput) -> Result<TokenStream> {
    let variants = variants::of(input, "Event")?;
    let name = &input.ident;
    let shapes = variants.iter().map(|variant| {
        let (event_type, version, unit) = (&variant.name, variant.version, variant.unit);
        quote!(::trunkline::EventShape { event_type: #event_type, version: #version, unit: #unit })
    });
    let arms = variants.iter().enumerate().map(|(index, variant)| {
        let ident = &variant.ident;
        quote!(Self::#ident { .. } => #index)
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::trunkline::Event for #name {
            const SHAPES: &'static [::trunkline::EventShape] = &[#(#shapes),*];

            fn shape(&self) -> &'static ::trunkline::EventShape {
                &<Self as ::trunkline::Event>::SHAPES[match self { #(#arms),* }]
            }
        }
    })
}

/// `impl Command`.
pub(crate) fn command(input: &DeriveInput) -> Result<TokenStream> {
    let variants = variants::of(input, "Command")?;
    let ident = &input.ident;
    let names = variants.iter().map(|variant| &variant.name);
    let units = variants.iter().filter(|variant| variant.unit).map(|variant| &variant.name);
    let arms = variants.iter().map(|variant| {
        let (ident, name) = (&variant.ident, &variant.name);
        quote!(Self::#ident { .. } => #name)
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::trunkline::Command for #ident {
            const NAMES: &'static [&'static str] = &[#(#names),*];
            const UNITS: &'static [&'static str] = &[#(#units),*];

            fn name(&self) -> &'static str {
                match self { #(#arms),* }
            }
        }
    })
}
