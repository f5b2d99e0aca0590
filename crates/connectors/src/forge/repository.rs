//! Whose a deployment or a change is: the links of an object say it.

/// A repository: source URI of its owner, and its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Repository {
    pub(super) source: String,
    pub(super) path: String,
}

impl Repository {
    /// By a link of the API: `https://api.github.com/repos/acme/shop/deployments/1`.
    pub(super) fn of_github(link: Option<&str>) -> Self {
        let mut parts =
            link.and_then(|link| link.split_once("/repos/")).map_or("", |(_, path)| path).split('/');
        match (parts.next(), parts.next()) {
            (Some(owner), Some(name)) if !owner.is_empty() => {
                Self::new("github", owner, format!("{owner}/{name}"))
            }
            _ => Self::new("github", UNNAMED, String::new()),
        }
    }

    /// By a link of a page: `https://gitlab.com/acme/shop/-/pipelines/1`.
    pub(super) fn of_gitlab(link: Option<&str>) -> Self {
        let path = link
            .and_then(|link| link.split_once("://"))
            .and_then(|(_, rest)| rest.split_once('/'))
            .and_then(|(_, path)| path.split_once("/-/").or_else(|| path.split_once("/merge_requests/")))
            .map(|(path, _)| path)
            .filter(|path| !path.is_empty());
        match path {
            Some(path) => Self::new("gitlab", path.split('/').next().unwrap_or(path), path.to_owned()),
            None => Self::new("gitlab", UNNAMED, String::new()),
        }
    }

    fn new(kind: &str, owner: &str, path: String) -> Self {
        Self { source: format!("{kind}://{owner}"), path }
    }

    /// The name of what it deploys.
    pub(super) fn service(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The owner of what names none.
const UNNAMED: &str = "default";
