//! The example `document_service` has no more connections than the process may have open files.

use crate::document_service::files::{Places, TooFew};

#[test]
fn the_reserve_is_kept_within_the_limit_of_files() {
    for (wanted, files, connections, reserve) in [
        (4096, None, 4096, 32),
        (4096, Some(1 << 20), 4096, 32),
        (4096, Some(4160), 4096, 32),
        (4096, Some(4159), 4095, 32),
        (4096, Some(1024), 960, 32),
        (10, Some(74), 10, 32),
        (4096, Some(64), 16, 16),
        (4096, Some(8), 1, 1),
        (1, Some(0), 1, 1),
    ] {
        assert_eq!(Places::new(wanted, files), Places { connections, reserve }, "{wanted} of {files:?}");
        let fits = connections == wanted && reserve == 32;
        assert_eq!(TooFew::check(wanted, files).is_none(), fits, "{wanted} of {files:?}");
    }
}
