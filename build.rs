//! Compiles `proto/` without protoc: the descriptor set that reflection serves, the messages, and
//! the services with their clients.
//!
//! `DecisionService` is generated apart from the others: its two hot calls carry the types and the
//! codec of `grpc::codec`, which tonic-prost-build cannot choose per call.

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic_prost_build::manual::{Builder, Method, Service};

const ROOT: &str = "proto";
const PACKAGE: &str = "maysend.v1";
const HOT: &str = "DecisionService";

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    rerun_if_changed(ROOT);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);

    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(sources()?)?;
    fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;

    let mut files = compiler.file_descriptor_set();
    Builder::new().compile(&[decision_service(&mut files)?]);
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}

fn rerun_if_changed(path: &str) {
    println!("cargo::rerun-if-changed={path}");
}

/// The files of the package, in a stable order.
fn sources() -> Fallible<Vec<PathBuf>> {
    let folder = Path::new(ROOT).join(PACKAGE.replace('.', "/"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Takes the hot service out of `files` and describes it anew: every call as it is declared, with
/// our own types and codec where addresses travel.
fn decision_service(files: &mut FileDescriptorSet) -> Fallible<Service> {
    let file = files
        .file
        .iter_mut()
        .find(|file| file.service.iter().any(|service| service.name() == HOT))
        .ok_or("the proto files declare no such service")?;
    let comments: HashMap<_, _> = file
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .map(|place| (place.path.as_slice(), place.leading_comments()))
        .collect();

    let mut described = Service::builder().name(HOT).package(PACKAGE);
    // In a descriptor 6 is the field of services, and 2 that of a service's methods.
    for (s, service) in (0_i32..).zip(&file.service).filter(|(_, service)| service.name() == HOT) {
        described = described.comment(comments.get([6, s].as_slice()).unwrap_or(&""));
        for (m, method) in (0_i32..).zip(&service.method) {
            let comment = comments.get([6, s, 2, m].as_slice()).unwrap_or(&"");
            described = described.method(call(method, comment));
        }
    }
    file.service.retain(|service| service.name() != HOT);
    Ok(described.build())
}

fn call(method: &MethodDescriptorProto, comment: &str) -> Method {
    let (input, output, codec) = match method.name() {
        "Check" | "CheckStream" => (
            "crate::grpc::codec::CheckAsk".to_owned(),
            "crate::grpc::codec::CheckAnswer".to_owned(),
            "crate::grpc::codec::CheckCodec",
        ),
        _ => {
            (message(method.input_type()), message(method.output_type()), "tonic_prost::ProstCodec")
        }
    };
    let mut described = Method::builder()
        .name(snake_case(method.name()))
        .route_name(method.name())
        .comment(comment)
        .input_type(input)
        .output_type(output)
        .codec_path(codec);
    if method.client_streaming() {
        described = described.client_streaming();
    }
    if method.server_streaming() {
        described = described.server_streaming();
    }
    described.build()
}

/// The path of a message of the package, seen from the module that a service is generated into.
fn message(name: &str) -> String {
    format!("super::{}", name.rsplit('.').next().unwrap_or(name))
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
