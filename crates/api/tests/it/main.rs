//! The api from outside: what is started, refused, shown.

mod catalogue;
mod parsing;
mod serving;
mod setting;
