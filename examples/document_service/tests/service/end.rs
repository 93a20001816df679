//! The example `document_service`, as a process of its own, ends in good order: nothing that was accepted is lost.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Lines, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pool_support::{in_time, in_time_async};
use crate::service_support::connect;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const DOCUMENT: &[u8] = include_bytes!("../../../corpus/reports/water.rtf");
const HEAD: &str =
    "POST /convert HTTP/1.1\r\nhost: loopback\r\ncontent-type: application/rtf\r\ncontent-length: ";

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(flags: &str) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_document_service")), flags)
    }

    /// With this limit of open files.
    fn limited(files: u32, flags: &str) -> Self {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_document_service")]);
        Self::spawn(shell, flags)
    }

    fn spawn(mut command: Command, flags: &str) -> Self {
        let address = if flags.contains("--listen") { "" } else { "--listen 127.0.0.1:0" };
        let mut child = command
            .args(address.split_whitespace().chain(flags.split_whitespace()))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The rest of the first line that begins so. (The test harness says things, too.)
    fn said(&mut self, what: &str) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        lines.find_map(|line| Some(line.split_once(what)?.1.to_owned())).unwrap()
    }

    fn address(&mut self) -> SocketAddr {
        self.said("listening on http://").parse().unwrap()
    }

    /// All that it said on standard error, at its end.
    fn complaints(&mut self) -> String {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        stderr
    }

    fn kill(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// What it said when it ended well: accepted, answered, given up and cut off, and connections cut off.
    fn report(&mut self) -> [u64; 5] {
        let report = self.said("stopped: ");
        let numbers = report.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
        let numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
        assert_eq!(self.code(), 0);
        numbers[..5].try_into().unwrap()
    }
}

impl Drop for Process {
    /// A test that fails leaves nobody behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until nobody is there any more. Every answer that begins comes to its end.
async fn ask(address: SocketAddr, answers: Arc<AtomicUsize>) {
    loop {
        let Ok(stream) = TcpStream::connect(address).await else { return };
        let io = hyper_util::rt::TokioIo::new(stream);
        let Ok((mut client, connection)) = hyper::client::conn::http1::handshake(io).await else { return };
        tokio::spawn(connection);
        loop {
            let request = Request::post("/convert").header("host", "loopback");
            let request = request.header("content-type", "application/rtf");
            let request = request.body(Full::new(Bytes::from_static(DOCUMENT))).unwrap();
            // Nothing at all is no answer cut short: the request was not accepted.
            let Ok(response) = client.send_request(request).await else { break };
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.ends_with(b"\n") && body.len() > 1000, "{} bytes", body.len());
            answers.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn under_load_every_document_that_was_accepted_is_answered() {
    in_time_async(|| async {
        for engine in ["millpond", "spawn-blocking", "rayon"] {
            let mut process = Process::start(&format!("--engine {engine}"));
            let (address, answers) = (process.address(), Arc::<AtomicUsize>::default());
            let mut clients = JoinSet::new();
            for _ in 0..50 {
                clients.spawn(ask(address, Arc::clone(&answers)));
            }
            while answers.load(Ordering::SeqCst) < 200 {
                tokio::task::yield_now().await;
            }
            process.kill(Signal::TERM);
            clients.join_all().await;
            let [accepted, answered, given_up, cut_off, _] = process.report();
            assert_eq!((answered, given_up, cut_off), (accepted, 0, 0), "{engine}");
            assert_eq!(answers.load(Ordering::SeqCst) as u64, answered, "{engine}");
        }
    });
}

#[test]
fn a_document_that_is_on_its_way_is_still_taken_and_nobody_else_is() {
    in_time_async(|| async {
        let mut process = Process::start("");
        let address = process.address();
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(format!("{HEAD}{}\r\nexpect: 100-continue\r\n\r\n", DOCUMENT.len()).as_bytes())
            .await
            .unwrap();
        let mut going_on = [0; 25];
        half.read_exact(&mut going_on).await.unwrap();
        assert_eq!(&going_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        process.kill(Signal::INT);
        process.said("stopping: ");
        while TcpStream::connect(address).await.is_ok() {}
        half.write_all(DOCUMENT).await.unwrap();
        let mut answer = Vec::new();
        half.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"\n"));
        assert_eq!(process.report(), [1, 1, 0, 0, 0]);
    });
}

#[test]
fn who_does_not_come_to_an_end_is_cut_off_at_the_end_of_the_drain_or_by_a_second_signal() {
    in_time_async(|| async {
        for (drain, signals) in [("20ms", 1), ("1day", 2)] {
            let mut process = Process::start(&format!("--drain {drain}"));
            let mut endless = TcpStream::connect(process.address()).await.unwrap();
            endless.write_all(format!("{HEAD}5\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
            endless.read_exact(&mut [0; 25]).await.unwrap();
            process.kill(Signal::TERM);
            process.said("stopping: ");
            if signals == 2 {
                process.kill(Signal::TERM);
            }
            assert_eq!(process.report(), [0, 0, 0, 0, 1]);
        }
    });
}

#[test]
fn a_document_that_was_cut_off_is_not_laid_at_its_clients_door() {
    in_time_async(|| async {
        let mut process = Process::start("--drain 1day");
        let mut endless = TcpStream::connect(process.address()).await.unwrap();
        let head = "POST /stream HTTP/1.1\r\nhost: loopback\r\ncontent-type: text/markdown\r\naccept: text/html\r\ntransfer-encoding: chunked\r\n\r\n";
        let piece = "A paragraph, and *another*, of the usual length.\n\n".repeat(42_800);
        endless.write_all(format!("{head}{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.unwrap();
        // The answer has begun.
        endless.read_exact(&mut [0; 100]).await.unwrap();
        process.kill(Signal::TERM);
        process.said("stopping: ");
        process.kill(Signal::TERM);
        assert_eq!(process.report(), [1, 0, 0, 1, 1]);
    });
}

#[test]
fn connections_that_ask_for_nothing_hold_nobody_up() {
    in_time_async(|| async {
        let mut process = Process::start("--drain 1day --header-timeout 1day");
        let address = process.address();
        let mut idle = connect(address).await;
        let health = Request::get("/health").header("host", "loopback").body(Full::default()).unwrap();
        assert_eq!(idle.send_request(health).await.unwrap().status(), 200);
        process.kill(Signal::TERM);
        assert_eq!(process.report(), [0, 0, 0, 0, 0]);
    });
}

#[test]
fn what_can_not_be_is_told_with_an_exit_code() {
    in_time(|| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let taken = (format!("--listen {address}"), 1, format!("document_service: {address}: "));
        let wrong = (String::from("--deadline 0s"), 2, String::from("document_service: deadline is \"0s\""));
        let unknown = (String::from("--dedline 1s"), 2, String::from("unexpected argument '--dedline'"));
        for (flags, code, message) in [taken, wrong, unknown] {
            let mut process = Process::start(&flags);
            assert_eq!(process.code(), code, "{flags}");
            let stderr = process.complaints();
            assert!(stderr.contains(&message), "{stderr}");
        }
    });
}

#[test]
fn those_who_watch_are_answered_when_there_are_no_more_files() {
    in_time_async(|| async {
        let mut process = Process::limited(100, "--header-timeout 1day --drain 0s");
        let address = process.address();
        let mut idle = Vec::new();
        while idle.len() < 95 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        assert_eq!(crate::service_support::get(address, "/health").await.status, 200);
        process.kill(Signal::TERM);
        process.said("stopped: ");
        let complaints = process.complaints();
        assert_eq!(
            complaints,
            "document_service: warning: max_connections is 4096, but the process may open 100 files: \
             there are 36 connections at a time, and 32 for /health and /metrics\n"
        );
    });
}

#[test]
fn a_limit_of_files_that_is_enough_gives_no_warning() {
    in_time_async(|| async {
        let mut process = Process::limited(100, "--max-connections 36");
        process.address();
        process.kill(Signal::TERM);
        process.said("stopped: ");
        assert_eq!(process.complaints(), "");
    });
}

#[test]
fn a_variable_of_the_environment_that_is_no_setting_ends_it() {
    in_time(|| {
        let mut command = Command::new("env");
        command.args(["MILLPOND_DEDLINE=1s", env!("CARGO_BIN_EXE_document_service")]);
        let mut process = Process::spawn(command, "");
        assert_eq!(process.code(), 2);
        assert_eq!(
            process.complaints(),
            "document_service: MILLPOND_DEDLINE: there is no setting `dedline`\n"
        );
    });
}

#[test]
fn it_says_its_version() {
    in_time(|| {
        let mut process = Process::start("--version");
        let version = process.said("document_service ");
        assert_eq!((version.as_str(), process.code()), (env!("CARGO_PKG_VERSION"), 0));
    });
}
