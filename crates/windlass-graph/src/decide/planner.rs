//! One pass over the nodes in their order: each is skipped, deferred, or rendered and compared with what is there.

use super::names::{broken_rules, context_value, schema_value};
use super::rendering::{self, Item, Read};
use super::{Decision, Inputs, Need, Step, because, quantities, standing};
use crate::deletion;
use crate::expression::{Formula, Outcome, Scope};
use crate::graph::{Graph, Node};
use crate::refine;
use crate::value::Rendered;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use windlass_api::driver::{DesiredNode, NodeAnswer, Observation};
use windlass_api::inventory::{Entry, EntryState};
use windlass_api::plan::{Action, Block, Envelope, NodePlan, Plan};
use windlass_api::template::DeletionPolicy;
use windlass_api::{Diagnostic, hint};

/// How many items a collection may have.
const MOST_ITEMS: usize = 1000;
/// How many items a deferred collection may get where the Template says nothing.
const DEFERRED_ITEMS: u32 = 100;

/// What became of a node in this pass.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Something that it needs was not answered yet.
    Open,
    /// Not wanted, because.
    Skipped(String),
    /// Decided later; what it waits for.
    Deferred(Vec<String>),
    /// It exists, and whether it is still wanted cannot be told now: it is left as it is.
    Kept(Vec<String>),
    /// Its items, each with its plan.
    Items(Vec<Decided>),
}

/// An item of a node that was compared with what is there.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) plan: NodePlan,
    pub(super) observation: Observation,
    pub(super) conflict: Option<String>,
    /// The rendered block.
    pub(super) body: Rendered,
    /// The rendered block with secrets filled in, where all is known.
    pub(super) effect: Option<Value>,
    /// Whether it is there, does its work and has nothing left to do; else why not.
    pub(super) health: Result<(), (String, String)>,
}

impl Decided {
    pub(super) fn is_done(&self) -> bool {
        self.health.is_ok() && !self.plan.action.changes()
    }
}

pub(super) struct Planner<'a> {
    pub(super) graph: &'a Graph,
    pub(super) inputs: &'a Inputs<'a>,
    /// Names as a plan sees them: what will be counts as being there.
    scope: Scope,
    /// Names as they are now.
    pub(super) present: Scope,
    pub(super) verdicts: BTreeMap<usize, Verdict>,
    needs: Vec<Need>,
    findings: Vec<Diagnostic>,
    /// What was rendered already: two nodes cannot be one object.
    identities: BTreeMap<(String, String), String>,
    size: Option<String>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(graph: &'a Graph, inputs: &'a Inputs<'a>) -> Result<Self, Vec<Diagnostic>> {
        let mut scope = Scope::default();
        scope.bind("schema", &Rendered::Known(schema_value(inputs.instance)));
        scope.bind("context", &Rendered::Known(context_value(inputs)));
        let mut size = None;
        if let Some(table) = &graph.sizes {
            let named = inputs.instance.pointer("/spec/size").and_then(Value::as_str).unwrap_or(&table.default);
            let Some(found) = table.get(named) else {
                let names: Vec<&str> = table.sizes.iter().map(|size| size.name.as_str()).collect();
                let finding = Diagnostic::error("UnknownName", "spec.size", format!("`{named}` is not one of the sizes"));
                return Err(vec![finding.with_hint(format!("the sizes are: {}", names.join(", ")))]);
            };
            let mut values = found.values.clone();
            values.insert("name".into(), json!(found.name));
            scope.bind("size", &Rendered::Known(Value::Object(values)));
            size = Some(found.name.clone());
        }
        let broken = broken_rules(graph, inputs.instance);
        if !broken.is_empty() {
            return Err(broken);
        }
        let present = scope.clone();
        Ok(Self {
            graph,
            inputs,
            scope,
            present,
            verdicts: BTreeMap::new(),
            needs: Vec::new(),
            findings: Vec::new(),
            identities: BTreeMap::new(),
            size,
        })
    }

    /// Decides about one node; what it depends on was visited before.
    pub(super) fn visit(&mut self, index: usize) {
        let Some(node) = self.graph.nodes.get(index) else { return };
        let verdict = self.judge(node, index);
        let (planned, present) = self.values(node, &verdict);
        self.scope.bind_node(&node.id, &planned);
        self.present.bind_node(&node.id, &present);
        self.verdicts.insert(index, verdict);
    }

    fn judge(&mut self, node: &Node, index: usize) -> Verdict {
        let needed = || node.hard.iter().chain(&node.soft);
        if needed().any(|other| matches!(self.verdicts.get(other), Some(Verdict::Open))) {
            return Verdict::Open;
        }
        for other in &node.hard {
            if let Some(Verdict::Skipped(_)) = self.verdicts.get(other) {
                return Verdict::Skipped(format!("`{}`, which it needs, is not wanted", self.id(*other)));
            }
        }
        let unsure: Vec<String> = needed()
            .filter(|other| matches!(self.verdicts.get(other), Some(Verdict::Deferred(_) | Verdict::Kept(_))))
            .map(|other| self.id(*other).to_owned())
            .collect();
        match self.wanted(node) {
            Ok(true) => {}
            Ok(false) if self.rests_on_ready(node) => return Verdict::Skipped("its `includeWhen` is not met".into()),
            Ok(false) => return self.put_off(node, self.not_ready_among(node)),
            Err(because) => return self.put_off(node, because),
        }
        let items = match self.items(node) {
            Ok(items) => items,
            Err(because) => return self.put_off(node, because),
        };
        let Some(items) = items else { return Verdict::Skipped("it cannot be rendered".into()) };
        let mut rendered = Vec::new();
        for item in &items {
            match rendering::render(self.graph, self.inputs, node, item, &mut self.findings) {
                Ok(found) => rendered.push(found),
                Err(because) => return self.put_off(node, if unsure.is_empty() { because } else { unsure }),
            }
        }
        self.compare(node, index, rendered)
    }

    /// Whether all of `includeWhen` is met; `Err` says what must be known first.
    fn wanted(&mut self, node: &Node) -> Result<bool, Vec<String>> {
        let mut later = Vec::new();
        for formula in &node.include_when {
            match truth(formula, &self.scope, &mut self.findings) {
                Truth::Yes => {}
                Truth::No => return Ok(false),
                Truth::Later(because) => later.extend(because),
            }
        }
        if later.is_empty() { Ok(true) } else { Err(later) }
    }

    /// Whether all nodes that `includeWhen` reads are there and ready: only then does a "no" hold.
    fn rests_on_ready(&self, node: &Node) -> bool {
        self.not_ready_among(node).is_empty()
    }

    fn not_ready_among(&self, node: &Node) -> Vec<String> {
        let read: BTreeSet<&str> = node.include_when.iter().flat_map(|formula| formula.uses()).map(|used| used.root.as_str()).collect();
        let named = self.graph.nodes.iter().enumerate().filter(|(_, other)| read.contains(other.id.as_str()));
        let unready = named.filter(|(index, _)| !matches!(self.verdicts.get(index), Some(verdict) if is_done(verdict)));
        unready.map(|(_, other)| other.id.clone()).collect()
    }

    /// A node whose being hangs on something that is not known: one that exists stays, another is deferred.
    fn put_off(&self, node: &Node, mut because: Vec<String>) -> Verdict {
        because.sort();
        because.dedup();
        if self.entries_of(node).next().is_some() { Verdict::Kept(because) } else { Verdict::Deferred(because) }
    }

    fn entries_of<'s>(&'s self, node: &'s Node) -> impl Iterator<Item = &'a Entry> + 's {
        self.inputs.entries.iter().filter(|entry| entry.state != EntryState::Gone && deletion::node_id(&entry.node) == node.id)
    }

    fn id(&self, index: usize) -> &str {
        self.graph.nodes.get(index).map(|node| node.id.as_str()).unwrap_or_default()
    }

    /// The items of a node: one, or one for each combination of `forEach`. `Err` says what must be known first; `None` is a
    /// finding.
    fn items(&mut self, node: &Node) -> Result<Option<Vec<Item>>, Vec<String>> {
        let mut combinations = vec![self.scope.clone()];
        for (variable, formula) in &node.for_each {
            let values = match formula.evaluate(&self.scope) {
                Outcome::Value(Rendered::Known(Value::Array(items))) => items.into_iter().map(Rendered::Known).collect(),
                Outcome::Value(Rendered::List(items)) => items,
                Outcome::Value(Rendered::Later(later)) => return Err(later.because),
                Outcome::Pending(because) => return Err(because),
                Outcome::Value(_) => {
                    self.findings.push(formula.finding("WrongType", "`forEach` needs a list".into()));
                    return Ok(None);
                }
                Outcome::Failed(finding) => {
                    self.findings.push(*finding);
                    return Ok(None);
                }
            };
            if combinations.len().saturating_mul(values.len()) > MOST_ITEMS {
                let finding = formula.finding("TooMany", format!("the collection would have more than {MOST_ITEMS} items"));
                self.findings.push(finding.with_hint("ask for fewer, or split the instance"));
                return Ok(None);
            }
            combinations = combinations
                .iter()
                .flat_map(|scope| {
                    values.iter().map(move |value| {
                        let mut scope = scope.clone();
                        scope.bind(variable, value);
                        scope
                    })
                })
                .collect();
        }
        let collection = node.is_collection();
        let item = |(index, scope)| Item {
            key: if collection { format!("{}[{index}]", node.id) } else { node.id.clone() },
            index: collection.then_some(index),
            scope,
        };
        Ok(Some(combinations.into_iter().enumerate().map(item).collect()))
    }

    /// Compares rendered items with what is there, or asks.
    fn compare(&mut self, node: &Node, index: usize, rendered: Vec<rendering::Desired>) -> Verdict {
        let mut decided = Vec::new();
        let mut open = false;
        for desired in rendered {
            if node.block == Block::ExternalRef {
                match self.inputs.answers.externals.get(&desired.key) {
                    Some(observation) => decided.push(self.external(node, index, desired, observation.clone())),
                    None => {
                        open = true;
                        if let Read::External(reference) = desired.read {
                            self.needs.push(Need::External { key: desired.key, reference });
                        }
                    }
                }
                continue;
            }
            self.claim(node, &desired);
            match self.inputs.answers.nodes.get(&desired.key) {
                Some(answer) => decided.push(self.answered(node, index, desired, answer.clone())),
                None => {
                    open = true;
                    let entries = self.inputs.entries.iter().filter(|entry| entry.node == desired.key).cloned().collect();
                    self.needs.push(Need::Node(Box::new(DesiredNode {
                        key: desired.key,
                        node: node.id.clone(),
                        block: node.block,
                        target: desired.target,
                        body: desired.body.planned(),
                        entries,
                    })));
                }
            }
        }
        if open {
            return Verdict::Open;
        }
        self.settle_health(node, &mut decided);
        Verdict::Items(decided)
    }

    /// What may surprise: a plan without changes, because somebody else has what it would change, is no good news.
    fn warnings(&self) -> Vec<Diagnostic> {
        let answers = self.inputs.answers.nodes.iter();
        let of_one = |(key, answer): (&String, &NodeAnswer)| {
            let conflict = answer.conflict.as_ref().map(|conflict| {
                let (what, ways) = hint::parts(conflict);
                let warning = Diagnostic::warning("Conflict", key.as_str(), what);
                ways.first().map_or(warning.clone(), |way| warning.with_hint(*way))
            });
            answer.warnings.iter().cloned().chain(conflict).collect::<Vec<_>>()
        };
        answers.flat_map(of_one).collect()
    }

    /// Two nodes cannot be one object.
    fn claim(&mut self, node: &Node, desired: &rendering::Desired) {
        let Some(identity) = &desired.identity else { return };
        let known = (desired.target.clone(), format!("{} {identity}", identity.api_version.clone().unwrap_or_default()));
        if let Some(first) = self.identities.insert(known, desired.key.clone()) {
            let finding =
                Diagnostic::error("SameIdentity", node.path.clone(), format!("`{first}` and `{}` would both be {identity}", desired.key));
            self.findings.push(finding.with_hint("give each a name of its own"));
        }
    }

    fn answered(&self, node: &Node, index: usize, desired: rendering::Desired, answer: NodeAnswer) -> Decided {
        let body = desired.body.planned();
        let mut changes = answer.changes;
        because::explain(&mut changes, self.graph, node, self.size.as_deref());
        let plan = NodePlan {
            key: desired.key,
            node: node.id.clone(),
            block: node.block,
            target: desired.target,
            action: if answer.conflict.is_some() { Action::None } else { answer.action },
            wave: self.graph.order.waves.get(index).copied().unwrap_or(0),
            depends_on: self.keys_needed(node),
            waits_for: body.waits_for(),
            desired: body,
            effects: if answer.conflict.is_some() { Vec::new() } else { answer.effects },
            changes,
            envelope: None,
            staleness: answer.staleness,
            note: answer.conflict.clone().or(answer.note),
        };
        Decided {
            plan,
            observation: answer.observation,
            conflict: answer.conflict,
            body: desired.body,
            effect: desired.effect,
            health: Ok(()),
        }
    }

    fn external(&self, node: &Node, index: usize, desired: rendering::Desired, observation: Observation) -> Decided {
        let plan = NodePlan {
            key: desired.key,
            node: node.id.clone(),
            block: node.block,
            target: desired.target,
            action: Action::Read,
            wave: self.graph.order.waves.get(index).copied().unwrap_or(0),
            depends_on: self.keys_needed(node),
            desired: desired.body.planned(),
            effects: Vec::new(),
            changes: Vec::new(),
            envelope: None,
            waits_for: Vec::new(),
            staleness: BTreeMap::new(),
            note: None,
        };
        Decided { plan, observation, conflict: None, body: desired.body, effect: None, health: Ok(()) }
    }

    /// Keys of the nodes that must be ready before this one.
    fn keys_needed(&self, node: &Node) -> Vec<String> {
        let mut keys = Vec::new();
        for index in node.hard.union(&node.soft) {
            match self.verdicts.get(index) {
                Some(Verdict::Items(items)) => keys.extend(items.iter().map(|item| item.plan.key.clone())),
                Some(Verdict::Skipped(_)) | None => {}
                Some(Verdict::Open | Verdict::Deferred(_) | Verdict::Kept(_)) => keys.push(self.id(*index).to_owned()),
            }
        }
        keys
    }

    fn settle_health(&mut self, node: &Node, decided: &mut [Decided]) {
        let list = node.is_list();
        for item in decided {
            item.health = standing::health(self.graph.strictness, node, list, item, &self.secrets(), &mut self.findings);
        }
    }

    fn secrets(&self) -> rendering::Fingerprints<'a> {
        rendering::Fingerprints { key: &self.inputs.context.fingerprint_key, uid: &self.inputs.reference.uid }
    }

    /// The node's variable, as a plan sees it and as it is now.
    fn values(&self, node: &Node, verdict: &Verdict) -> (Rendered, Rendered) {
        let later = || Rendered::later("dyn", [node.id.clone()]);
        match verdict {
            // Nothing of a skipped node is there; an optional reference finds nothing.
            Verdict::Skipped(_) => {
                let nothing = Rendered::Known(if node.is_list() { json!([]) } else { json!({}) });
                (nothing.clone(), nothing)
            }
            Verdict::Open | Verdict::Deferred(_) | Verdict::Kept(_) => (later(), later()),
            Verdict::Items(items) => {
                let secrets = self.secrets();
                let planned: Vec<Rendered> = items.iter().map(|item| rendering::planned_value(node, item, &secrets)).collect();
                let present: Vec<Rendered> = items.iter().map(|item| rendering::present_value(node, item, &secrets)).collect();
                let one = |mut values: Vec<Rendered>| if values.len() == 1 { values.remove(0) } else { later() };
                if node.is_collection() { (Rendered::list(planned), Rendered::list(present)) } else { (one(planned), one(present)) }
            }
        }
    }

    /// The decision, or what is needed first.
    pub(super) fn finish(self) -> Result<Step, Vec<Diagnostic>> {
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        if !self.needs.is_empty() {
            return Ok(Step::Needs(self.needs));
        }
        let mut nodes: Vec<NodePlan> = Vec::new();
        let mut bodies = BTreeMap::new();
        for index in &self.graph.order.sequence {
            let Some(node) = self.graph.nodes.get(*index) else { continue };
            match self.verdicts.get(index) {
                Some(Verdict::Items(items)) => {
                    for item in items {
                        nodes.push(item.plan.clone());
                        bodies.extend(item.effect.clone().map(|body| (item.plan.key.clone(), body)));
                    }
                }
                Some(Verdict::Deferred(because)) => nodes.push(self.deferred(node, *index, because)),
                Some(Verdict::Kept(because)) => nodes.extend(self.kept(node, *index, because)),
                Some(Verdict::Skipped(_) | Verdict::Open) | None => {}
            }
        }
        nodes.sort_by_key(|node| node.wave);
        let undone = nodes.iter().any(|node| node.action.changes());
        let removals = self.removals(&nodes);
        let first_removal = removals.iter().map(|node| node.wave).min();
        let mut runnable = standing::runnable(&self, &nodes, &bodies);
        if !undone {
            runnable.extend(
                removals.iter().filter(|node| Some(node.wave) == first_removal && node.action.changes()).map(|node| node.key.clone()),
            );
        }
        nodes.extend(removals);
        let quantities = quantities::quantities(&self);
        let mut plan = Plan {
            instance: self.inputs.reference.clone(),
            revision: self.inputs.revision.to_owned(),
            nodes,
            warnings: self.warnings(),
            quantities,
            hash: String::new(),
        };
        plan.hash = refine::hash(&plan);
        let states = standing::states(&self, &plan);
        let waiting_on = standing::waiting_on(&states);
        let settled = !plan.has_changes();
        let (status, conditions) = standing::status(&self);
        let (url, address) = standing::addresses(&self, &status);
        let ready = settled && waiting_on.is_empty();
        Ok(Step::Decided(Box::new(Decision {
            plan,
            nodes: states,
            status,
            conditions,
            ready,
            waiting_on,
            runnable,
            settled,
            bodies,
            url,
            address,
        })))
    }

    fn deferred(&self, node: &Node, index: usize, because: &[String]) -> NodePlan {
        let desired = rendering::sketch(self.graph, self.inputs, node, &self.scope);
        NodePlan {
            key: node.id.clone(),
            node: node.id.clone(),
            block: node.block,
            target: desired.target.clone(),
            action: Action::Deferred,
            wave: self.graph.order.waves.get(index).copied().unwrap_or(0),
            depends_on: self.keys_needed(node),
            desired: desired.body.planned(),
            effects: Vec::new(),
            changes: Vec::new(),
            envelope: Some(Self::envelope(node, &desired)),
            waits_for: because.to_vec(),
            staleness: BTreeMap::new(),
            note: Some(format!("decided when {} is known", because.join(", "))),
        }
    }

    fn envelope(node: &Node, desired: &rendering::Sketch) -> Envelope {
        let kind = if node.block == Block::Workload { "Workload".to_owned() } else { node.kind.clone() };
        let actions = if node.block == Block::ExternalRef { vec![Action::Read] } else { vec![Action::Create, Action::Update] };
        Envelope {
            kinds: vec![kind],
            namespaces: desired.namespace.clone().into_iter().collect(),
            targets: vec![desired.target.clone()],
            actions,
            max_items: if node.is_collection() { node.max_items.unwrap_or(DEFERRED_ITEMS) } else { 1 },
        }
    }

    /// Nodes for what exists and is left as it is.
    fn kept(&self, node: &Node, index: usize, because: &[String]) -> Vec<NodePlan> {
        let entries: Vec<&Entry> = self.entries_of(node).collect();
        let mut plans = deletion::nodes(&entries, DeletionPolicy::Orphan);
        for plan in &mut plans {
            plan.wave = self.graph.order.waves.get(index).copied().unwrap_or(0);
            plan.depends_on = self.keys_needed(node);
            plan.waits_for = because.to_vec();
            plan.note = Some(format!("it stays as it is until {} is known", because.join(", ")));
        }
        plans
    }

    /// Deletions of what is in the inventory and no longer wanted.
    fn removals(&self, nodes: &[NodePlan]) -> Vec<NodePlan> {
        let keys: BTreeSet<&str> = nodes.iter().map(|node| node.key.as_str()).collect();
        let effects: BTreeSet<&str> = nodes.iter().flat_map(|node| &node.effects).map(|effect| effect.key.as_str()).collect();
        let held: BTreeSet<(&str, String)> =
            nodes.iter().flat_map(|node| node.effects.iter().map(|effect| (node.target.as_str(), effect.identity.to_string()))).collect();
        let put_off: BTreeSet<&str> = self
            .verdicts
            .iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Deferred(_) | Verdict::Kept(_) | Verdict::Open))
            .map(|(index, _)| self.id(*index))
            .collect();
        let unwanted: Vec<&Entry> = self
            .inputs
            .entries
            .iter()
            .filter(|entry| entry.state != EntryState::Gone)
            .filter(|entry| !keys.contains(entry.node.as_str()) && !effects.contains(entry.key.as_str()))
            .filter(|entry| !put_off.contains(deletion::node_id(&entry.node)))
            // A node that was renamed keeps its object under the new name.
            .filter(|entry| !held.contains(&(entry.target.as_str(), entry.identity.to_string())))
            .collect();
        let offset = self.graph.order.waves.iter().max().map_or(0, |last| last + 1);
        let mut removals = deletion::nodes(&unwanted, DeletionPolicy::Delete);
        for node in &mut removals {
            node.wave += offset;
            node.note = node.note.take().or_else(|| Some("the Template, or a value, no longer asks for it".into()));
        }
        removals
    }

    /// Name of the size that holds.
    pub(super) fn size_name(&self) -> Option<&str> {
        self.size.as_deref()
    }
}

/// Whether all items are there, ready, and have nothing left to do.
pub(super) fn is_done(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Items(items) => items.iter().all(Decided::is_done),
        Verdict::Skipped(_) => true,
        Verdict::Open | Verdict::Deferred(_) | Verdict::Kept(_) => false,
    }
}

/// What a condition says.
pub(super) enum Truth {
    Yes,
    No,
    Later(Vec<String>),
}

/// Evaluates a condition.
pub(super) fn truth(formula: &Formula, scope: &Scope, findings: &mut Vec<Diagnostic>) -> Truth {
    match formula.evaluate(scope) {
        Outcome::Value(Rendered::Known(Value::Bool(true))) => Truth::Yes,
        // An optional value that is not there counts as no.
        Outcome::Value(Rendered::Known(Value::Bool(false) | Value::Null)) => Truth::No,
        Outcome::Value(Rendered::Later(later)) => Truth::Later(later.because),
        Outcome::Pending(because) => Truth::Later(because),
        Outcome::Value(_) => {
            findings.push(formula.finding("WrongType", "a condition must give true or false".into()));
            Truth::No
        }
        Outcome::Failed(finding) => {
            findings.push(*finding);
            Truth::No
        }
    }
}
