//! What the edge needs of the API Gateway event besides the request itself.

use domain::Source;
use lambda_http::http::HeaderMap;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::Config;
use crate::cdn::Forwarded;

/// What the edge needs of the API Gateway event besides the request itself.
pub(crate) struct Event<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) route: Option<&'a str>,
    host: &'a str,
    /// What API Gateway was asked at, and the API's id.
    behind: [Option<&'a str>; 2],
    pub(crate) base: &'a str,
    pub(crate) path: &'a str,
    pub(crate) source: Source,
}

impl<'a> Event<'a> {
    pub(crate) fn of(request: &'a Request, config: &Config) -> Self {
        let path = request.raw_http_path();
        let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else {
            return Self {
                request_id: "",
                route: None,
                host: "",
                behind: [None; 2],
                base: "",
                path,
                source: Source::parse(None),
            };
        };
        // The context's path has the stage in front, the event's has not; a custom domain's base path is in front of
        // both. So the route says how much of either is its own.
        let route = context.resource_path.as_deref();
        let path = own_path(path, route);
        let whole = context.path.as_deref().unwrap_or(path);
        let base = whole.strip_suffix(own_path(whole, route)).unwrap_or("");
        let forwarded = Forwarded::of(request.headers(), config.origin_secret.as_ref());
        let source = match &forwarded {
            Some(Forwarded { address, .. }) => Source::parse(*address),
            None => Source::parse(context.identity.source_ip.as_deref()),
        };
        let host = forwarded.and_then(|forwarded| forwarded.host).or(context.domain_name.as_deref()).unwrap_or("");
        let request_id = context.request_id.as_deref().unwrap_or("");
        let behind = [context.domain_name.as_deref(), context.apiid.as_deref()];
        Self { request_id, route, host, behind, base, path, source }
    }

    /// The address in front of the API's paths. Host and scheme come from API Gateway or from our CDN, so a client cannot
    /// forge them.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        format!("{}{}", self.origin(headers), self.base)
    }

    /// The scheme and the host of that address.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> String {
        format!("{}://{}", if is_https(headers) { "https" } else { "http" }, self.host)
    }

    /// The hosts at which this stack answers, as far as a request tells: that of [`base_url`](Self::base_url), and those behind it.
    pub(crate) fn own_hosts(&self, config: &Config) -> Vec<String> {
        let [asked, api] = self.behind;
        let hosts = [Some(self.host), asked].into_iter().flatten().filter(|host| !host.is_empty()).map(str::to_owned);
        hosts.chain(api.map(|api| config.api_host(api))).collect()
    }

    /// The request's path as a URI reference that may stand in a header: API Gateway hands it on decoded.
    pub(crate) fn whole_path(&self) -> String {
        const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');
        format!("{}{}", self.base, utf8_percent_encode(self.path, UNSAFE))
    }
}

/// Whether a request came by HTTPS, as API Gateway says: the last one, if a client's own should ever be left in front of it.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    headers.get_all("x-forwarded-proto").iter().next_back().is_none_or(|scheme| scheme != "http")
}

/// The end of a path that is the route's: as many segments as the route has. Of a route that takes any number of them
/// it is the last.
fn own_path<'p>(path: &'p str, route: Option<&str>) -> &'p str {
    let segments = route.map_or(0, |route| route.matches('/').count());
    let start = path.rmatch_indices('/').nth(segments.saturating_sub(1)).filter(|_| segments > 0);
    start.and_then(|(start, _)| path.get(start..)).unwrap_or(path)
}
