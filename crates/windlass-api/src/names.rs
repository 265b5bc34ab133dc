//! Names that appear on objects: groups, labels, annotations, finalizers, field managers, condition types and reasons.
//!
//! They are a promise to people and scripts; one is changed only with an upgrade path.

/// Group of Windlass' own kinds.
pub const GROUP: &str = "windlass.dev";
/// Version of Windlass' own kinds.
pub const VERSION: &str = "v1alpha1";
/// apiVersion of Windlass' own kinds.
pub const API_VERSION: &str = "windlass.dev/v1alpha1";
/// Group of kinds that Templates publish, unless they name another.
pub const GENERATED_GROUP: &str = "platform.windlass.dev";
/// Namespace of inventories and of the Runs of cluster-scoped instances.
pub const SYSTEM_NAMESPACE: &str = "windlass-system";
/// Namespace of events about what lives in no namespace, as Kubernetes has it.
pub const NAMESPACE_OF_CLUSTER_EVENTS: &str = "default";

/// Value of `app.kubernetes.io/managed-by`.
pub const MANAGED_BY: &str = "windlass";
/// Standard label: which program manages the object.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: kind of the instance an object belongs to.
pub const LABEL_INSTANCE_KIND: &str = "windlass.dev/instance-kind";
/// Label: namespace of the instance.
pub const LABEL_INSTANCE_NAMESPACE: &str = "windlass.dev/instance-namespace";
/// Label: name of the instance.
pub const LABEL_INSTANCE_NAME: &str = "windlass.dev/instance-name";
/// Label: UID of the instance. An object without it is not ours.
pub const LABEL_INSTANCE_ID: &str = "windlass.dev/instance-id";
/// Label: node of the Template that made the object.
pub const LABEL_NODE: &str = "windlass.dev/node";
/// Label: name of the Template.
pub const LABEL_TEMPLATE: &str = "windlass.dev/template";
/// Label: revision of the Template.
pub const LABEL_REVISION: &str = "windlass.dev/revision";
/// Label on a generated CRD: UID of the Template that publishes it.
pub const LABEL_TEMPLATE_ID: &str = "windlass.dev/template-id";
/// Label on objects that `up` installs, so that they can be told from people's own.
pub const LABEL_STARTER: &str = "windlass.dev/starter";

/// Annotation: who wrote the object last; stamped by admission, never taken from a client.
pub const ANNOTATION_CHANGED_BY: &str = "windlass.dev/changed-by";
/// Annotation `SPECHASH:PLANHASH`: execute only what refines the previewed plan.
pub const ANNOTATION_EXPECTED_PLAN: &str = "windlass.dev/expected-plan";
/// Annotation with any new value: a person asks for another try.
pub const ANNOTATION_RETRY: &str = "windlass.dev/retry";
/// Annotation: `never`, `destructive` or `always`; can ask for more than the Template, never less.
pub const ANNOTATION_APPROVAL: &str = "windlass.dev/approval";
/// Annotation: `correct`, `report` or `ignore`.
pub const ANNOTATION_DRIFT: &str = "windlass.dev/drift";
/// Annotation: `Delete` or `Orphan`.
pub const ANNOTATION_DELETION_POLICY: &str = "windlass.dev/deletion-policy";
/// Annotation: pins the instance to a TemplateRevision.
pub const ANNOTATION_REVISION: &str = "windlass.dev/revision";

/// Finalizer of every instance, set before its first inventory entry.
pub const FINALIZER_INVENTORY: &str = "windlass.dev/inventory";
/// Finalizer of a Template in use.
pub const FINALIZER_TEMPLATE: &str = "windlass.dev/template";
/// Finalizer of an Inventory that still has entries.
pub const FINALIZER_ENTRIES: &str = "windlass.dev/entries";

/// Field manager of status writes.
pub const MANAGER_STATUS: &str = "windlass-status";
/// Field manager of the portal.
pub const MANAGER_PORTAL: &str = "windlass-portal";
/// Field manager of the command line.
pub const MANAGER_COMMAND_LINE: &str = "windlass-cli";
/// Field manager of Windlass' own objects (CRDs, revisions, runs, inventories).
pub const MANAGER_SYSTEM: &str = "windlass";

/// Field manager of what a Run applies for the instance with this UID.
pub fn instance_manager(uid: &str) -> String {
    format!("windlass:{uid}")
}

/// Condition types. The values are constants; messages are sentences.
pub mod condition_type {
    /// Summary; never vacuously true.
    pub const READY: &str = "Ready";
    /// The Template compiles.
    pub const GRAPH_ACCEPTED: &str = "GraphAccepted";
    /// The generated kind is served.
    pub const KIND_READY: &str = "KindReady";
    /// Another Template publishes this kind already.
    pub const KIND_TAKEN: &str = "KindTaken";
    /// Deletion waits for something a person must decide.
    pub const DELETION_BLOCKED: &str = "DeletionBlocked";
    /// The instance's values are understood.
    pub const INPUTS_ACCEPTED: &str = "InputsAccepted";
    /// Everything planned has been carried out.
    pub const RESOURCES_READY: &str = "ResourcesReady";
    /// Something was changed by somebody else.
    pub const DRIFTED: &str = "Drifted";
}

/// Condition reasons.
pub mod reason {
    /// All is as it should be.
    pub const READY: &str = "Ready";
    /// Work goes on.
    pub const PROGRESSING: &str = "Progressing";
    /// Waits for something outside.
    pub const WAITING: &str = "Waiting";
    /// Waits for a person's approval.
    pub const AWAITING_APPROVAL: &str = "AwaitingApproval";
    /// The document is refused; see the diagnostics.
    pub const INVALID: &str = "Invalid";
    /// The last Run failed and is tried again with back-off.
    pub const FAILED: &str = "Failed";
    /// It is being deleted.
    pub const DELETING: &str = "Deleting";
    /// Another Template publishes this kind already.
    pub const KIND_TAKEN: &str = "KindTaken";
    /// It is still used.
    pub const IN_USE: &str = "InUse";
    /// Somebody else holds a field or an object that this instance claims.
    pub const CONFLICT: &str = "Conflict";
    /// It cannot be told whether an effect happened.
    pub const UNKNOWN: &str = "Unknown";
}
