//! Alarms and dashboards name what exists, and the runbook knows every alarm. Nothing else would say so: CloudWatch takes
//! an alarm on a metric that nobody reports, and it never rings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use edge::telemetry::{Instance, json_lines};
use local::gateway::operations;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;
use tracing::level_filters::LevelFilter;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// A resource of a template.
struct Resource {
    file: String,
    /// Its name, and that with a star for what an `Fn::ForEach` puts there.
    id: String,
    kind: String,
    value: Value,
}

impl Resource {
    fn is(&self, kind: &str) -> bool {
        self.value["Type"] == format!("AWS::CloudWatch::{kind}")
    }

    fn is_alarm(&self) -> bool {
        self.is("Alarm") || self.is("CompositeAlarm")
    }

    fn property(&self, name: &str) -> &Value {
        &self.value["Properties"][name]
    }
}

/// The resources of every template that there is.
fn resources() -> Vec<Resource> {
    let mut files = vec![root().join("template.yaml")];
    for folder in ["infrastructure", "functions"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            files.push(if path.is_dir() { path.join("template.yaml") } else { path });
        }
    }
    let mut resources = Vec::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "yaml") && path.exists()) {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let template = serde_yaml_ng::from_str(&read(path)).unwrap();
        for (key, value) in written_out(&template)["Resources"].as_object().unwrap() {
            add(&mut resources, &file, key, key, value);
        }
    }
    resources
}

/// Adds a resource, or those that an `Fn::ForEach` makes.
fn add(resources: &mut Vec<Resource>, file: &str, id: &str, kind: &str, value: &Value) {
    if !id.starts_with("Fn::ForEach::") {
        resources.push(Resource { file: file.into(), id: id.into(), kind: kind.into(), value: value.clone() });
        return;
    }
    let variable = format!("${{{}}}", value[0].as_str().unwrap());
    let items = value[1].as_array().unwrap_or_else(|| panic!("{file}: what {id} goes through is no list"));
    for (key, value) in value[2].as_object().unwrap() {
        for item in items {
            let item = item.as_str().unwrap();
            let with_item = serde_json::from_str(&value.to_string().replace(&variable, item)).unwrap();
            add(resources, file, &key.replace(&variable, item), &key.replace(&variable, "*"), &with_item);
        }
    }
}

/// YAML as JSON: `!Ref X` is `${X}` and `!Sub` is its text, so that both can be looked at as one would read them.
pub fn written_out(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Mapping(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), written_out(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Yaml::Sequence(items) => items.iter().map(written_out).collect(),
        Yaml::Tagged(tagged) => match (tagged.tag.to_string().as_str(), written_out(&tagged.value)) {
            ("!Ref" | "!GetAtt", Value::String(name)) => json!(format!("${{{name}}}")),
            ("!Sub", text @ Value::String(_)) => text,
            (tag, value) => json!({ tag: value }),
        },
        plain => serde_json::to_value(plain).unwrap(),
    }
}

/// The value of a dimension: text, or whatever function makes it.
fn dimension(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A metric as an alarm or a dashboard asks for it.
#[derive(Debug)]
struct Metric {
    place: String,
    namespace: String,
    name: String,
    dimensions: BTreeSet<String>,
    /// The dimensions that have one value.
    values: BTreeMap<String, String>,
}

/// Every metric that a template names.
fn metrics() -> Vec<Metric> {
    let mut metrics = Vec::new();
    for resource in resources() {
        let place = format!("{} in {}", resource.id, resource.file);
        if resource.is("Alarm") {
            let of_expression = resource.property("Metrics").as_array().into_iter().flatten();
            let of_expression = of_expression.map(|part| &part["MetricStat"]["Metric"]).filter(|part| !part.is_null());
            let asked: Vec<_> = of_expression.chain([&resource.value["Properties"]]).collect();
            for part in asked.into_iter().filter(|part| !part["MetricName"].is_null()) {
                let values: BTreeMap<_, _> = part["Dimensions"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|d| (text(&d["Name"]), dimension(&d["Value"])))
                    .collect();
                let dimensions = values.keys().cloned().collect();
                let (namespace, name) = (text(&part["Namespace"]), text(&part["MetricName"]));
                metrics.push(Metric { place: place.clone(), namespace, name, dimensions, values });
            }
        } else if resource.is("Dashboard") {
            let body = &resource.property("DashboardBody")["Fn::ToJsonString"];
            for widget in body["widgets"].as_array().expect("a body as Fn::ToJsonString") {
                for line in widget["properties"]["metrics"].as_array().into_iter().flatten() {
                    metrics.extend(of_line(&place, line.as_array().unwrap()));
                }
            }
        }
    }
    metrics
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The metrics of a line of a graph: a namespace, a metric and dimensions with their values, or a search.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>
fn of_line(place: &str, line: &[Value]) -> Vec<Metric> {
    if let Some(expression) = line[0]["expression"].as_str() {
        return of_search(place, expression);
    }
    let words: Vec<_> = line.iter().filter(|word| word.is_string()).map(text).collect();
    let values: BTreeMap<_, _> = words[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let dimensions = values.keys().cloned().collect();
    vec![Metric { place: place.into(), namespace: words[0].clone(), name: words[1].clone(), dimensions, values }]
}

/// The metrics of `SEARCH('{Namespace,Dimension} MetricName="name" Dimension="value"', 'Statistic', 60)`.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html>
fn of_search(place: &str, expression: &str) -> Vec<Metric> {
    let search = expression.strip_prefix("SEARCH('{").unwrap_or_else(|| panic!("no search: {expression}"));
    let (schema, terms) = search.split_once('}').unwrap();
    let mut schema = schema.split(',').map(str::to_owned);
    let namespace = schema.next().unwrap();
    let dimensions: BTreeSet<_> = schema.collect();
    let (mut names, mut values) = (Vec::new(), BTreeMap::new());
    let quoted: Vec<_> = terms.split('"').collect();
    for term in quoted.chunks_exact(2) {
        let name = term[0].rsplit([' ', '(']).next().unwrap().trim_end_matches('=');
        if name == "MetricName" {
            names.push(term[1].to_owned());
        } else {
            assert!(dimensions.contains(name), "{name} is no dimension of {expression}");
            values.insert(name.to_owned(), term[1].to_owned());
        }
    }
    assert!(!names.is_empty(), "no metric in {expression}");
    let of = |name| Metric {
        place: place.into(),
        namespace: namespace.clone(),
        name,
        dimensions: dimensions.clone(),
        values: values.clone(),
    };
    names.into_iter().map(of).collect()
}

/// What the functions themselves report: metrics, each with its sets of dimensions, as they stand in a line of the log.
fn reported() -> BTreeMap<String, Vec<BTreeSet<String>>> {
    static LINE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    struct Keep;
    impl Write for Keep {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LINE.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let instance = Instance { function: "broadsheet-Any".to_owned(), version: "7".to_owned() };
    let subscriber = json_lines(LevelFilter::INFO, Some(instance), || Keep);
    // What fails is reported of its version too.
    tracing::subscriber::with_default(
        subscriber,
        || tracing::info!(target: "edge::measured", server_error = 1, "done"),
    );
    let line: Value = serde_json::from_slice(&LINE.lock().unwrap_or_else(PoisonError::into_inner)).unwrap();
    let mut reported: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().expect("a line with metrics") {
        assert_eq!(directive["Namespace"], "Broadsheet");
        for metric in directive["Metrics"].as_array().unwrap() {
            let sets = directive["Dimensions"].as_array().unwrap();
            let sets = sets.iter().map(|set| set.as_array().unwrap().iter().map(text).collect());
            reported.entry(text(&metric["Name"])).or_default().extend(sets);
        }
    }
    reported
}

/// Every function by its name without case and separators: `create_post` and `CreatePost` are both `createpost`.
fn functions() -> BTreeSet<String> {
    let names = operations().map(|(_, operation)| operation.name.to_owned());
    let names = names.chain(events::Function::all().map(|function| function.name().to_owned()));
    let names = names.chain(media::PLUGINS.iter().map(|plugin| plugin.name.to_owned()));
    let names = names.chain(search::PLUGINS.iter().map(|plugin| plugin.name.to_owned()));
    let names = names.chain(webhooks::PLUGINS.iter().map(|plugin| plugin.name.to_owned()));
    let names = names.chain([authorizer::NAME, catch_all::NAME, conduit::NAME, ghost::NAME].map(str::to_owned));
    names.map(|name| name.replace('_', "")).collect()
}

#[test]
fn every_metric_is_one_that_somebody_reports() {
    // What AWS reports, by namespace (contract/metrics.py).
    let documented: Value = serde_json::from_str(&read("contract/metrics.json")).unwrap();
    let (reported, functions) = (reported(), functions());
    let (mut wrong, mut namespaces) = (Vec::new(), BTreeSet::new());
    for metric in metrics() {
        let sets: Option<Vec<BTreeSet<String>>> = if metric.namespace == "Broadsheet" {
            reported.get(&metric.name).cloned()
        } else {
            serde_json::from_value(documented[&metric.namespace]["metrics"][&metric.name].clone()).ok()
        };
        if !sets.is_some_and(|sets| sets.contains(&metric.dimensions)) {
            wrong.push(format!("nobody reports {metric:?}"));
        }
        for (dimension, value) in &metric.values {
            let function = match dimension.as_str() {
                "operation" => Some(value.replace('_', "")),
                // What an alias is called follows the name of its function.
                // The root calls the stack's name by what CloudFormation calls it.
                "FunctionName" | "function" => {
                    let name = value.strip_prefix("${Blog}-").or_else(|| value.strip_prefix("${AWS::StackName}-"));
                    Some(name.unwrap_or(value).to_lowercase())
                }
                _ => None,
            };
            if function.is_some_and(|function| !functions.contains(&function)) {
                wrong.push(format!("no function is {value}: {metric:?}"));
            }
        }
        namespaces.insert(metric.namespace);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    namespaces.remove("Broadsheet");
    let kept: BTreeSet<_> = documented.as_object().unwrap().keys().cloned().collect();
    assert_eq!(namespaces, kept, "contract/metrics.json has the namespaces that are named, and no others");
}

#[test]
fn every_reader_has_an_alarm_on_its_lag_and_every_queue_of_failures_one_on_its_depth() {
    let watched = |metric: &str, dimension: &str| -> BTreeSet<String> {
        let alarms = metrics().into_iter().filter(|found| found.name == metric && !found.place.contains("Dashboard"));
        alarms.filter_map(|found| found.values.get(dimension).cloned()).collect()
    };
    let named = |name: &&'static str| name.replace('_', "");
    let short = |name: &str| name.replacen("${Blog}-", "", 1).to_lowercase();
    let ages: BTreeSet<_> = watched("IteratorAge", "FunctionName").iter().map(|name| short(name)).collect();
    let readers: BTreeSet<_> = events::READERS.iter().map(|reader| named(&reader.name)).collect();
    assert_eq!(ages, readers);
    let depths = watched("ApproximateNumberOfMessagesVisible", "QueueName");
    let depths: BTreeSet<_> = depths.iter().map(|name| short(name).replace("-failures", "")).collect();
    let plugins = events::PLUGINS.iter().map(|plugin| named(&plugin.name));
    let plugins = plugins.chain(media::PLUGINS.iter().map(|plugin| named(&plugin.name)));
    let plugins = plugins.chain(search::PLUGINS.iter().map(|plugin| named(&plugin.name)));
    let plugins = plugins.chain(webhooks::PLUGINS.iter().map(|plugin| named(&plugin.name)));
    assert_eq!(depths, readers.into_iter().chain(plugins).collect());
}

#[test]
fn an_alarm_tells_somebody_or_is_part_of_one_that_does() {
    let alarms: Vec<_> =
        resources().into_iter().filter(|r| r.is_alarm() && r.file == "infrastructure/watching.yaml").collect();
    let rules: String = alarms.iter().filter_map(|alarm| alarm.property("AlarmRule").as_str()).collect();
    for alarm in &alarms {
        if !rules.contains(&format!("ALARM(\"${{{}}}\")", alarm.id)) {
            for when in ["AlarmActions", "OKActions"] {
                assert_eq!(*alarm.property(when), json!(["${AlarmTopic}"]), "{when} of {}", alarm.id);
            }
        }
        let chosen = alarm.property("TreatMissingData").is_string();
        assert!(chosen || alarm.is("CompositeAlarm"), "what no data means for {} is left open", alarm.id);
        assert_eq!(
            *alarm.property("AlarmName"),
            format!("${{Blog}}-{}", alarm.id),
            "what the runbook's commands ask for"
        );
    }
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The sections of the runbook by their anchors, each with the alarms that its line `Alarms:` names.
fn sections(runbook: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (mut sections, mut last, mut in_code) = (BTreeMap::<_, BTreeSet<String>>::new(), String::new(), false);
    for line in runbook.lines() {
        in_code ^= line.starts_with("```");
        if line.starts_with('#') && !in_code {
            last = anchor(line.trim_start_matches('#'));
            assert!(sections.insert(last.clone(), BTreeSet::new()).is_none(), "two sections are called {line}");
        } else if let Some(alarms) = line.strip_prefix("Alarms: ") {
            let named = alarms.split('`').skip(1).step_by(2).map(str::to_owned);
            sections.get_mut(&last).unwrap().extend(named);
        }
    }
    sections
}

#[test]
fn every_alarm_leads_to_the_section_of_the_runbook_that_names_it() {
    let runbook = read("docs/runbook.md");
    let sections = sections(&runbook);
    for link in runbook.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(sections.contains_key(link), "the runbook leads to #{link}, which it does not have");
    }
    let (mut wrong, mut alarms) = (Vec::new(), BTreeSet::new());
    for alarm in resources().into_iter().filter(Resource::is_alarm) {
        let description = alarm.property("AlarmDescription").as_str().unwrap_or_default();
        let section = description.split_once("docs/runbook.md#").map(|(_, anchor)| anchor);
        if !section.and_then(|section| sections.get(section)).is_some_and(|named| named.contains(&alarm.kind)) {
            wrong.push(format!("{} in {} leads to no section that names {}", alarm.id, alarm.file, alarm.kind));
        }
        alarms.insert(alarm.kind);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(sections.into_values().flatten().collect::<BTreeSet<_>>(), alarms, "the runbook names no other alarms");
}

/// What the alarms of canaries cost is said in four places. CloudWatch takes 0.10 USD a month for each metric of an alarm.
#[test]
fn the_alarms_of_canaries_cost_what_the_documents_say() {
    let alarms: Vec<_> = resources()
        .into_iter()
        .filter(|resource| resource.file.starts_with("functions/") && resource.is("Alarm"))
        .collect();
    let metrics: usize = alarms
        .iter()
        .map(|alarm| {
            let math = alarm.value["Properties"]["Metrics"].as_array();
            math.map_or(1, |metrics| metrics.iter().filter(|metric| metric["MetricStat"].is_object()).count())
        })
        .sum();
    assert!(alarms.len() > 50, "{}", alarms.len());
    let usd = format!("{:.0}", metrics as f64 / 10.0);
    for (path, words) in [
        ("template.yaml", format!("Costs about {usd} USD a month, for an alarm of two metrics a function")),
        ("docs/deploy.md", format!("| canaries: an alarm of two metrics per function | none | {usd} |")),
        ("docs/deploy.md", format!("and {usd} for canaries").replace("and ", "")),
        (
            "docs/adr/0016-how-a-release-is-judged.md",
            format!("An alarm of two metrics for each function: about {usd} USD"),
        ),
    ] {
        assert!(read(path).contains(&words), "{metrics} metrics are {usd} USD, and {path} does not say so");
    }
}
