//! What every command needs: the global options, read and resolved.

use std::path::PathBuf;

use super::arguments::Global;
use super::failure::Failure;
use super::output::Output;
use crate::directory::bootstrap::Bootstrap;
use crate::node::home;
use crate::node::profile::{DataDir, ProfileName};

/// The global options and the way out.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where results go.
    pub output: Output,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Whether every question is answered with yes.
    pub yes: bool,
    bootstrap: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    profile: String,
}

impl Context {
    /// The context of a command.
    pub fn new(global: Global) -> Self {
        Self {
            output: Output::new(global.output, global.quiet),
            password_file: global.password_file,
            yes: global.yes,
            bootstrap: global.bootstrap,
            data_dir: global.data_dir,
            profile: global.profile,
        }
    }

    /// The network: of `--bootstrap`, else the one that the wallet was made for, else the local development network.
    ///
    /// # Errors
    /// A failure that names the file.
    pub fn bootstrap(&self) -> Result<Bootstrap, Failure> {
        match self.network_file() {
            Some(path) => Ok(home::read_bootstrap(&path)?),
            None => Ok(Bootstrap::embedded()),
        }
    }

    /// Where the network's description comes from, for people.
    pub fn bootstrap_source(&self) -> String {
        match self.network_file() {
            Some(path) => path.display().to_string(),
            None => "the built-in bootstrap.toml".to_owned(),
        }
    }

    /// The bootstrap file, if one was named.
    pub fn bootstrap_path(&self) -> Option<&std::path::Path> {
        self.bootstrap.as_deref()
    }

    /// The bootstrap file that was named, or that the wallet keeps.
    fn network_file(&self) -> Option<PathBuf> {
        let kept = || self.data_dir().ok()?.network_file(&self.profile().ok()?);
        self.bootstrap.clone().or_else(kept)
    }

    /// The same for another bootstrap file.
    pub fn with_bootstrap(&self, path: PathBuf) -> Self {
        Self {
            bootstrap: Some(path),
            ..self.clone()
        }
    }

    /// The same without notes and spinners: screens stand where they would be written.
    pub fn silent(&self) -> Self {
        Self {
            output: self.output.silent(),
            ..self.clone()
        }
    }

    /// The folder of all wallets.
    ///
    /// # Errors
    /// If none was named and the user has no home folder.
    pub fn data_dir(&self) -> Result<DataDir, Failure> {
        match &self.data_dir {
            Some(path) => Ok(DataDir::new(path)),
            None => Ok(DataDir::of_user()?),
        }
    }

    /// The wallet to use.
    ///
    /// # Errors
    /// If its name is not one.
    pub fn profile(&self) -> Result<ProfileName, Failure> {
        Ok(self.profile.parse()?)
    }
}
