//! The door: arguments, prompts, all printing.
