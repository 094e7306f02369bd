//! From method and path to the function that answers. Paths are those of the manifest: segments of plain
//! text, `{name}` or `{name}:verb`. Of two that fit, the one with more plain text is meant.

use jackfield_abi::ops::{HttpRequest, HttpResponse};

use crate::http::{Call, Outcome};
use crate::plugin::Request;
use crate::problem::Problem;

type Handler<P> = fn(&P, &Call<'_>) -> Outcome;

/// The routes of a plugin.
pub struct Routes<P> {
    list: Vec<Route<P>>,
}

struct Route<P> {
    method: &'static str,
    path: &'static str,
    handler: Handler<P>,
}

impl<P> Default for Routes<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Routes<P> {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds a route for reading.
    #[must_use]
    pub fn get(self, path: &'static str, handler: Handler<P>) -> Self {
        self.on("GET", path, handler)
    }

    /// Adds a route for making or doing.
    #[must_use]
    pub fn post(self, path: &'static str, handler: Handler<P>) -> Self {
        self.on("POST", path, handler)
    }

    /// Adds a route for replacing.
    #[must_use]
    pub fn put(self, path: &'static str, handler: Handler<P>) -> Self {
        self.on("PUT", path, handler)
    }

    /// Adds a route for changing in part.
    #[must_use]
    pub fn patch(self, path: &'static str, handler: Handler<P>) -> Self {
        self.on("PATCH", path, handler)
    }

    /// Adds a route for deleting.
    #[must_use]
    pub fn delete(self, path: &'static str, handler: Handler<P>) -> Self {
        self.on("DELETE", path, handler)
    }

    fn on(mut self, method: &'static str, path: &'static str, handler: Handler<P>) -> Self {
        self.list.push(Route { method, path, handler });
        self
    }

    /// Methods and paths, for the comparison with the manifest.
    #[cfg(feature = "bench")]
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        self.list.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect()
    }

    pub(crate) fn answer(&self, plugin: &P, http: &HttpRequest, request: &Request) -> HttpResponse {
        // Core says which template it matched; a segment may hold what looks like another one.
        let meant = |route: &&Route<P>| http.route.is_empty() || http.route == route.path;
        let listed = self.list.iter().filter(meant);
        let fitting: Vec<_> =
            listed.filter_map(|route| Some((route, fit(route.path, &http.path)?))).collect();
        let known = !fitting.is_empty();
        let meant = fitting.into_iter().filter(|(route, _)| route.method == http.method);
        let Some((route, fit)) = meant.max_by_key(|(_, fit)| fit.plain) else {
            return missing(known, http).response();
        };
        let call = Call { http, request, params: fit.params };
        (route.handler)(plugin, &call).map_or_else(Problem::response, |reply| reply.response())
    }
}

fn missing(known: bool, http: &HttpRequest) -> Problem {
    if known {
        return Problem::new(405, format!("`{}` does not understand {}", http.path, http.method));
    }
    Problem::not_found(format!("there is no `{}`", http.path))
}

/// How a path fits a template.
struct Fit<'a> {
    /// Parameters by name.
    params: Vec<(&'a str, &'a str)>,
    /// Characters that are the template's own.
    plain: usize,
}

fn fit<'a>(template: &'a str, path: &'a str) -> Option<Fit<'a>> {
    let mut whole = Fit { params: Vec::new(), plain: 0 };
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(whole),
            (Some(wanted), Some(given)) => fit_segment(wanted, given, &mut whole)?,
            _ => return None,
        }
    }
}

fn fit_segment<'a>(wanted: &'a str, given: &'a str, whole: &mut Fit<'a>) -> Option<()> {
    let Some((name, verb)) = wanted.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        whole.plain += wanted.len();
        return (wanted == given).then_some(());
    };
    let value = given.strip_suffix(verb).filter(|value| !value.is_empty())?;
    whole.plain += verb.len();
    whole.params.push((name, value));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_only() {
        let params = |template, path| fit(template, path).map(|fit| fit.params);
        assert_eq!(params("peers/{id}", "peers/7"), Some(vec![("id", "7")]));
        assert_eq!(params("peers/{id}:sync", "peers/7:sync"), Some(vec![("id", "7")]));
        assert_eq!(params("teams/users/{account}/x", "teams/users/a@b/x"), Some(vec![("account", "a@b")]));
        for (template, path) in [
            ("peers/{id}", "peers/"),
            ("peers/{id}", "peers/7/x"),
            ("peers/{id}:sync", "peers/7"),
            ("a", "b"),
        ] {
            assert_eq!(params(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn more_plain_text_wins() {
        let plain = |template| fit(template, "peers/7:sync").map(|fit| fit.plain);
        assert!(plain("peers/{id}:sync") > plain("peers/{id}"));
    }
}
