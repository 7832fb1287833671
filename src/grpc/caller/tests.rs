use tonic::Request;
use tonic::metadata::{Ascii, Binary, MetadataValue};

use super::*;
use crate::model::actor::Role;

impl Naming for () {
    fn addresses(&self) -> usize {
        0
    }
}

fn call() -> Request<()> {
    Request::new(())
}

fn plain(mut request: Request<()>, value: &[u8]) -> Request<()> {
    let value = MetadataValue::<Ascii>::try_from(value).unwrap();
    request.metadata_mut().append(ACTOR, value);
    request
}

fn binary(mut request: Request<()>, value: &[u8]) -> Request<()> {
    request.metadata_mut().append_bin(ACTOR_BIN, MetadataValue::<Binary>::from_bytes(value));
    request
}

#[track_caller]
fn names(request: Request<()>, actor: &str) {
    let (caller, _, ()) = entered(request).unwrap();
    assert_eq!(caller, Caller::local(actor));
    assert_eq!(caller.roles, Role::ALL);
}

#[track_caller]
fn refuses(request: Request<()>, field: &str) {
    let Err(Refusal::Invalid(invalid)) = entered(request) else { panic!("it was taken") };
    let fields: Vec<&str> = invalid.violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, [field]);
}

#[test]
fn a_call_that_names_nobody_is_taken() {
    names(call(), "");
}

#[test]
fn an_actor_is_trimmed() {
    names(plain(call(), b"  Anna Berger "), "Anna Berger");
    names(binary(call(), b" Zo\xC3\xAB\n"), "Zo\u{EB}");
}

#[test]
fn a_name_has_one_form_however_it_was_composed() {
    names(binary(call(), "Zoe\u{308}".as_bytes()), "Zo\u{EB}");
    names(binary(call(), "\u{2003}Zoe\u{308} ".as_bytes()), "Zo\u{EB}");
}

#[test]
fn the_longest_name_is_256_octets() {
    names(plain(call(), &[b'a'; 256]), &"a".repeat(256));
    refuses(plain(call(), &[b'a'; 257]), "maysend-actor");
    refuses(binary(call(), &[b'a'; 257]), "maysend-actor-bin");
}

#[test]
fn a_name_holds_no_control_characters() {
    refuses(plain(call(), b"Anna\tBerger"), "maysend-actor");
    refuses(binary(call(), b"Anna\nBerger"), "maysend-actor-bin");
    refuses(binary(call(), b"Anna\0"), "maysend-actor-bin");
}

#[test]
fn a_name_that_is_not_ascii_goes_into_the_binary_form() {
    refuses(plain(call(), b"Zo\xC3\xAB"), "maysend-actor");
    refuses(binary(call(), b"Zo\xEB"), "maysend-actor-bin");
}

#[test]
fn one_person_acts() {
    refuses(plain(plain(call(), b"anna"), b"berta"), "maysend-actor");
    refuses(binary(binary(call(), b"anna"), b"berta"), "maysend-actor-bin");
    refuses(binary(plain(call(), b"anna"), b"anna"), "maysend-actor");
}
