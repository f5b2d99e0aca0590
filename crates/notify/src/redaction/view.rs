//! What is left of a step for one reader: all that a renderer knows.

use bellwether_model::{Audience, EventTime, Level, Millis, RuleId, Zone};

/// A step, as one reader may see it. Every text in it is scrubbed and on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// Level.
    pub level: Level,
    /// Rule; `None` for one this version does not know.
    pub rule: Option<RuleId>,
    /// Name of the rule as it came.
    pub rule_name: String,
    /// Escalation.
    pub escalation: String,
    /// Roles the step goes to.
    pub audience: Vec<Audience>,
    /// 0 for the step itself, 1 to 3 for its repeats.
    pub repeat: u32,
    /// True when it is added to another step of the same hour.
    pub addition: bool,
    /// How much later than clock, anchor and guard allowed it fired.
    pub late_by: Millis,
    /// Levels it stands for.
    pub supersedes: Vec<u32>,
    /// Zone in which instants are shown.
    pub zone: Zone,
    /// When it fired.
    pub fired_at: EventTime,
    /// Start of the escalation's clock.
    pub started_at: EventTime,
    /// Squad it was judged in; empty for none.
    pub squad: String,
    /// Squads concerned, the provider's first for a dependency.
    pub squads: Vec<String>,
    /// Key result.
    pub key_result: Option<KeyResultView>,
    /// Thing it is about where it is neither a person nor a squad: a dependency, a KPI.
    pub thing: String,
    /// The person it is about; `None` where it is about none.
    pub individual: Option<Individual>,
    /// Figures the reader may see.
    pub figures: Vec<Figure>,
    /// True when figures were taken out.
    pub figures_withheld: bool,
    /// Thresholds: policy, never withheld.
    pub thresholds: Vec<Threshold>,
    /// The arithmetic; absent when it holds figures that were taken out.
    pub arithmetic: Option<String>,
    /// What would clear it.
    pub clears_when: Option<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Page sources of the squad, quarter to date, most pages first.
    pub sources: Seen<Vec<PageSource>>,
    /// What a breach reaches.
    pub blast_radius: Option<BlastRadius>,
    /// Systems that nobody but the individual is trained for.
    pub only_them: Seen<Vec<String>>,
    /// Production systems of the squad with fewer than three trained responders.
    pub thin_systems: Seen<Vec<ThinSystem>>,
    /// Systems of the squad for which neighbours have trained responders.
    pub shareable: Seen<Vec<Shareable>>,
    /// Squads with the same parent unit.
    pub neighbours: Vec<String>,
    /// Open on-call slots of the neighbours, earliest first.
    pub unfilled: Seen<Vec<UnfilledSlot>>,
    /// What replacing the person would cost.
    pub replacement_cost: Seen<Cost>,
    /// What training one more responder for every thin system would cost.
    pub training_cost: Seen<Cost>,
}

/// Something that notify may not know, or its reader may not see.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen<T> {
    /// Known and shown.
    Shown(T),
    /// Known, and not for this reader.
    Withheld,
    /// Not known; what would make it known.
    Unknown(&'static str),
}

/// A key result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyResultView {
    /// Id.
    pub id: String,
    /// Title; the id where none is known.
    pub title: String,
    /// Measure, such as O1.1.
    pub measure: String,
    /// Target with its unit; empty where none is known.
    pub target: String,
    /// How it stands; `None` where it was never assessed.
    pub state: Option<KeyResultState>,
}

/// How a key result stood when it was last assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyResultState {
    /// green, amber, red or no data.
    pub status: &'static str,
    /// Logical time of the assessment.
    pub assessed_at: Option<EventTime>,
    /// Why, where the reader may see what is in it.
    pub reason: Option<String>,
    /// Present value; `None` for no data, or where the reader may not see it.
    pub value: Option<String>,
    /// Actual over planned progress, likewise.
    pub pace: Option<String>,
    /// Projected completion as a share of the target, likewise.
    pub projected: Option<String>,
    /// True when there are numbers that this reader does not see.
    pub withheld: bool,
}

/// The person a step is about, as far as the reader may know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Individual {
    /// By name.
    Named {
        /// Name.
        name: String,
        /// What they are.
        standing: Standing,
    },
    /// By role and tenure.
    RoleAndTenure(Standing),
    /// The reader themselves.
    Reader,
    /// Somebody.
    Hidden,
    /// Somebody the directory does not know, for a reader who may know the name.
    Unresolved,
}

/// Role and tenure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Level or title; empty where none is known.
    pub role: String,
    /// Full years; `None` where no start is known.
    pub years: Option<i32>,
}

/// A number that went into the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name in the explain block.
    pub name: String,
    /// Value for people.
    pub display: String,
    /// Unit.
    pub unit: String,
}

/// A threshold that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// Configuration key.
    pub name: String,
    /// Value.
    pub value: String,
    /// Unit.
    pub unit: String,
    /// Where it comes from.
    pub provenance: &'static str,
}

/// Where pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSource {
    /// System or service.
    pub source: String,
    /// Pages of the squad.
    pub pages: u32,
}

/// A system with too few trained responders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinSystem {
    /// System.
    pub system: String,
    /// Trained responders, 0 to 2; `None` for readers who get no figure about so few people.
    pub trained: Option<usize>,
}

/// A system that neighbours could take pages of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shareable {
    /// System.
    pub system: String,
    /// Squads with somebody trained for it.
    pub squads: Vec<String>,
}

/// An on-call slot that nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfilledSlot {
    /// Squad.
    pub squad: String,
    /// First instant.
    pub start: EventTime,
    /// End, exclusive.
    pub end: EventTime,
}

/// What a breach reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlastRadius {
    /// Key results, by title.
    pub key_results: Vec<String>,
    /// Tickets, by key.
    pub tickets: Vec<String>,
    /// Promises to customers, by title and due day.
    pub commitments: Vec<String>,
    /// Further dependencies.
    pub dependencies: Vec<String>,
}

/// An amount and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Amount with currency.
    pub amount: String,
    /// The formula with its numbers.
    pub formula: String,
}
