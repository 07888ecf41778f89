//! A real browser, headless, told what to do through its driver (W3C WebDriver).

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::common::{http, wait};

/// No page may take longer to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether there is a browser. Where there is none nothing is tried, unless `CI` is set: there it must be.
#[allow(
    clippy::print_stderr,
    reason = "whoever runs the tests sees what was not tried"
)]
pub fn is_possible() -> bool {
    let is_there = |tool: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|folder| folder.join(tool).is_file())
    };
    if ["chromium", "chromedriver"]
        .iter()
        .all(|tool| is_there(tool))
    {
        return true;
    }
    let reason = "it needs chromium and chromedriver (Debian: chromium, chromium-driver)";
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI this must run: {reason}"
    );
    eprintln!("not tried: {reason}");
    false
}

/// A browser with one page.
pub struct Browser {
    driver: Child,
    at: SocketAddr,
    session: String,
    // Order: the browser ends before its folder goes.
    _folder: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Now and then the system gives it no port at once.
        let started = std::iter::repeat_with(|| launch(folder.path())).take(9);
        let (driver, port) = started.flatten().next().expect("the driver says its port");
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser = Self {
            driver,
            at,
            session: String::new(),
            _folder: folder,
        };
        let profile = browser._folder.path().join("profile");
        let arguments = [
            "--headless=new".to_owned(),
            // The tests run as root, where chromium has no sandbox.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--window-size=1200,1000".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
        ];
        let wishes = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let made = browser.call("POST", "/session", &wishes);
        browser.session = made["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = match method {
            "GET" => String::new(),
            _ => body.to_string(),
        };
        let kind = "Content-Type: application/json\r\n";
        let answer = http::ask(self.at, method, path, kind, body.as_bytes()).unwrap();
        let value = answer.json()["value"].clone();
        assert!(answer.status == 200, "{method} {path}: {value}");
        value
    }

    fn tell(&self, what: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}/{what}", self.session), body)
    }

    /// Opens an address, and waits until its page is shown.
    pub fn open(&self, url: &str) {
        self.tell("url", &json!({"url": url}));
        self.until_shown();
    }

    /// Waits until the page that the address says is shown.
    pub fn until_shown(&self) {
        self.until(
            "the page is shown",
            "document.getElementById('main').dataset.shown === location.pathname + location.search",
        );
    }

    /// What an expression of JavaScript gives.
    pub fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.tell("execute/sync", &json!({"script": script, "args": []}))
    }

    /// What a script gives to its last argument, when it is done.
    pub fn run(&self, script: &str) -> Value {
        self.tell("execute/async", &json!({"script": script, "args": []}))
    }

    /// The text of the page, as a person sees it.
    pub fn text(&self) -> String {
        let text = self.value("document.getElementById('main').innerText");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    pub fn until(&self, what: &str, expression: &str) {
        let is_so = wait::until(PATIENCE, || self.value(expression) == json!(true));
        assert!(
            is_so,
            "waited {PATIENCE:?} until {what}; shown:\n{}",
            self.text()
        );
    }

    /// Waits until the page says something.
    pub fn until_says(&self, words: &str) {
        let words = json!(words);
        let expression = format!("document.getElementById('main').innerText.includes({words})");
        self.until(&format!("the page says {words}"), &expression);
    }

    /// Types keys; `\u{e007}` is Enter, `\u{e004}` Tab.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
            })
            .collect();
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]});
        self.tell("actions", &actions);
    }

    /// A command of Chromium's own protocol.
    pub fn command(&self, name: &str, parameters: &Value) -> Value {
        self.tell(
            "goog/cdp/execute",
            &json!({"cmd": name, "params": parameters}),
        )
    }

    /// A screen of so many points.
    pub fn screen(&self, width: u32, height: u32, is_phone: bool) {
        let scale = if is_phone { 2 } else { 1 };
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": is_phone});
        self.command("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// What the person prefers: a colour scheme, and whether things move.
    pub fn prefers(&self, scheme: &str, motion: &str) {
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]});
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// A picture of the whole page.
    pub fn picture(&self, to: &Path) {
        let taken = self.command(
            "Page.captureScreenshot",
            &json!({"captureBeyondViewport": true}),
        );
        let bytes = unbase64(taken["data"].as_str().unwrap());
        std::fs::write(to, bytes).unwrap();
    }

    /// The console's errors since the last call.
    pub fn errors(&self) -> Vec<String> {
        let log = self.tell("se/log", &json!({"type": "browser"}));
        let lines = log.as_array().cloned().unwrap_or_default();
        let is_bad = |line: &&Value| line["level"] == "SEVERE" || line["level"] == "WARNING";
        let bad = lines.iter().filter(is_bad);
        bad.map(|line| line["message"].to_string()).collect()
    }

    /// Every address that was asked for since the last call.
    pub fn requests(&self) -> Vec<String> {
        let log = self.tell("se/log", &json!({"type": "performance"}));
        let lines = log.as_array().cloned().unwrap_or_default();
        let sent = lines.iter().filter_map(|line| {
            let message: Value = serde_json::from_str(line["message"].as_str()?).ok()?;
            let message = &message["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            let url = message["params"]["request"]["url"].as_str()?;
            // Its own first page, and what stands in an address whole, leave no machine.
            let is_own = ["chrome://", "data:"]
                .iter()
                .any(|one| url.starts_with(one));
            (is_request && !is_own).then(|| url.to_owned())
        });
        sent.collect()
    }
}

/// Starts the driver; gives it and its port.
fn launch(folder: &Path) -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .env("TMPDIR", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let port = line.split("successfully on port ").nth(1)?;
        port.trim_end_matches('.').parse().ok()
    });
    let Some(port) = port else {
        // It has ended by itself.
        let _ = driver.wait();
        return None;
    };
    // What else it says is nobody's.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = http::ask(self.at, "DELETE", &path, "", b"");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut held, mut bits, mut bytes) = (0u32, 0, Vec::new());
    for value in text.chars().filter_map(|one| alphabet.find(one)) {
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}
