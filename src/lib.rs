//! # maysend: the architecture
//!
//! *May we send brand X campaign Y to these addresses?* maysend is a sidecar that answers this over
//! gRPC, with a reason for every address, and takes the writes that change the answer. One process
//! holds one data directory; an in-memory index answers, an append-only ledger remembers.
//!
//! ## Bird's-eye view
//!
//! ```text
//!     senders, CRM plugins, portals, batch jobs, the command line          owners' browsers
//!                                      |                                           |
//!  edges      grpc: decode, call, encode       cli: clients of it       web: form, call, page
//!                                      |
//!  use cases  engine: check --------> index.verdicts --------> answer
//!                     write --> transition --> ledger.commit --> index.apply --> answer
//!                                      |
//!  state      ledger (the truth)   index (the answer)   checkpoint (saves time at boot)
//!                                      |
//!  rules      authorize   transition   decide   profile   catalog   token     pure and total
//!                                      |
//!  words      model: address, scope, campaign, verdict, event, command, ...   plain data
//! ```
//!
//! Arrows of use point downwards and never up; `tests/suite/tidy.rs` holds that.
//!
//! ## Entry points
//!
//! `main` parses the command line and calls one subcommand. `server::start` composes a server:
//! engine, listeners, health, housekeeping. For the rules begin at [`decide::decide`] and
//! [`transition::transition`], for the bytes at [`ledger`], for the order of steps at [`engine`].
//!
//! ## Code map, in reading order
//!
//! - [`model`]: the words. Whatever is a value of one of its types is already parsed.
//! - [`catalog`]: controllers, brands, topics, campaigns, policies, the dress of pages; the file and
//!   its reload.
//! - [`profile`]: the facts of one address, and how an effect changes them.
//! - [`decide`]: the decision table, twelve rows in their order.
//! - [`authorize`]: who may do what; the only maker of `Authorized<Command>`.
//! - [`transition`]: what a command does to one address; the only maker of statements.
//! - [`token`]: the owner's links. [`fingerprint`]: the keyed name of an address, eight at once.
//! - [`keys`]: the key file. [`credentials`]: who may call, and how much. [`record`]: what the
//!   ledger's payloads hold, as octets.
//! - [`ledger`]: segments, group commit, torn tails against damage, erasure of payloads.
//! - [`index`]: fingerprint to profile, interned, three to a cache line; campaigns compiled from
//!   `decide`; the look-up; what effects make of a shape, remembered.
//! - [`checkpoint`]: images of the index in sled; the only file that names sled.
//! - [`backup`]: copies of a ledger and the way back from one.
//! - [`engine`]: check, write, import; links, preferences, double opt-in, portals; erasure, access
//!   requests; status, history, explain, sheet, follow; boot, snapshots.
//! - [`sheet`]: the data sheet as a document: JSON, text, a page to print.
//! - [`grpc`]: the wire. [`web`]: the owner's pages, one file each; `templates/web` has their HTML,
//!   `web/words` their words. [`measure`]: counters. [`metrics`]: all of them for Prometheus.
//! - [`server`]: the composition root, the listeners, the relay of mails. [`cli`]: one file per
//!   subcommand.
//!
//! ## The two flows
//!
//! *Check.* The codec walks the request in place. For slices of 500 addresses: canonical form and
//! fingerprint, eight at once; then under one read lock a probe and a plan for each, in groups whose
//! cache lines are asked for ahead, one octet out. Between slices the task yields. Questions above
//! 10,000 addresses, and all calls that write, run on threads of their own (`grpc/lane`), which give
//! way to any other. No allocation for an address, no lock across an await, no I/O.
//!
//! *Write.* Decode, validate whole, authorise, queue. The writer thread takes what has arrived,
//! runs the transitions against the index and what the group has changed so far, writes the group,
//! one fdatasync, a mark, applies it to the index, publishes the head, answers.
//!
//! Beside them: *Erase*, whole on the writer's thread, so that nothing is recorded between the look at
//! the past and its end: four eyes, tombstone, fdatasync, zeros over every payload of the address,
//! fdatasync, done mark; boot finishes a tombstone without its mark. *Follow*, pulled: the ledger is
//! read forward as the client takes it, and each new day tells which consents lapsed.
//!
//! ## Invariants
//!
//! - What nobody was allowed to ask for is not recorded: `transition` takes `Authorized` alone.
//! - What is not durable is not answered by: `Index::apply` follows `ledger.commit`, whose
//!   `Committed` nothing else makes.
//! - Only the owner reverses the owner's no: staff, systems and imports have no path in `transition`
//!   from a no to a yes (one policy, off by default, opens a door for staff).
//! - No GET writes, no page submits itself, a form carries a seal of its link: whoever follows links
//!   and runs scripts changes nothing (`web`).
//! - A doubt is a deny: an unknown campaign is an error, a zero octet is no allow, a clock in doubt
//!   lets nothing live that can lapse.
//! - The rules know neither time nor disk: the day is an argument, replay needs no policy.
//! - An address is text in the payload of events that carried it, and nowhere else: index,
//!   checkpoints, tokens and tombstones hold a keyed fingerprint, logs hold nothing of it. So erasing
//!   those payloads erases the person.
//!
//! Deliberately absent: a database on the check path (sled 0.34.7 loses records without an error),
//! a cache of answers (the index is one), locks per address (there is one writer), a trait for the
//! store (there is one), timers that expire consents (today enters at the look-up).
//!
//! ## Cross-cutting
//!
//! *Errors*: one enum for each family of operations, united in `engine::error`, mapped to gRPC in
//! `grpc/status.rs` alone. *Time*: `engine::clock::Clock`, real only in `server`. *Faults*:
//! `ledger::disk::Disk` is the seam by which tests break the disk. *Tests*: the rules against a
//! naive model, and so a running engine; codecs against the octets, the ledger under faults at every
//! write, the binary with kill -9, clients of other languages, a browser and a PostgreSQL.

pub mod model;

pub mod authorize;
pub mod catalog;
pub mod decide;
pub mod fingerprint;
pub mod profile;
pub mod token;
pub mod transition;

pub mod backup;
pub mod checkpoint;
pub mod credentials;
pub mod index;
pub mod keys;
pub mod ledger;
pub mod measure;
pub mod record;

pub mod engine;

pub mod sheet;

pub mod cli;
pub mod grpc;
pub mod web;

pub mod metrics;
pub mod server;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
