//! Why a setting was refused.

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// There is no setting of this name.
    #[error("unknown setting `{key}`{}", suggestion(.nearest))]
    Unknown {
        /// The name as it was given.
        key: String,
        /// The known name that is closest to it, if any is close.
        nearest: Option<&'static str>,
    },
    /// The setting is in the wrong table of the configuration.
    #[error("`{key}` belongs in [{section}], not in [{found}]")]
    Misplaced {
        /// The name of the setting.
        key: String,
        /// The table where it belongs.
        section: &'static str,
        /// The table where it was found.
        found: String,
    },
    /// The value cannot be used.
    #[error("setting `{key}` {problem}")]
    Value {
        /// The name of the setting.
        key: String,
        /// The rest of the sentence, without a full stop.
        problem: String,
    },
    /// The setting cannot change while a run goes on.
    #[error("setting `{key}` cannot change while a run goes on")]
    Settled {
        /// The name of the setting.
        key: &'static str,
    },
    /// The whole does not have the form of a configuration.
    #[error("{0}")]
    Shape(String),
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |n| format!("; did you mean `{n}`?"))
}
