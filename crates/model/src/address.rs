//! Addresses of clusters, as settings of targets have them. Pure.

/// The address of the setting `name` without what says nothing, or what is wrong with it.
pub(crate) fn normal(name: &str, address: &str, port: u16) -> Result<String, String> {
    let refused =
        || format!("`{name}` is `{address}`: write it as `http://HEAD:{port}`, or with `https`");
    let (scheme, rest) = address.split_once("://").ok_or_else(refused)?;
    let host = rest.trim_end_matches('/');
    let strange = |c: char| c.is_whitespace() || c.is_control() || "@?#'\"\\".contains(c);
    if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains(strange) {
        return Err(refused());
    }
    Ok(format!("{scheme}://{host}"))
}

/// Whether the file of the setting `token_file` is named so that it is the same wherever the server runs.
pub(crate) fn check_token_file(path: &str) -> Result<(), String> {
    match path.starts_with('/') {
        true => Ok(()),
        false => Err(format!(
            "`token_file` is `{path}`, which is no absolute path"
        )),
    }
}
