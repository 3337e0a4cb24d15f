//! Who runs the server: the name behind requests with the folder's own token, which is readable by
//! that user alone.

use std::sync::OnceLock;

/// The login name, found once; `uid N` where the system knows none.
pub(super) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let uid = rustix::process::getuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        of_uid(&users, uid)
            .map(str::to_owned)
            .or_else(|| std::env::var("LOGNAME").ok())
            .unwrap_or_else(|| format!("uid {uid}"))
    })
}

/// The name of a user in the text of `/etc/passwd`, see `passwd(5)`.
fn of_uid(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == uid).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::of_uid;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh";
        assert_eq!(of_uid(users, 1000), Some("anna"));
        assert_eq!(of_uid(users, 7), None);
    }
}
