//! Which learning rate and which decay does a parameter get? Each mixer's own rules, and a recipe's exceptions.

use std::collections::HashMap;

use bantam_core::{Error, Result};
use bantam_model::mixers::ParameterGroup;
use serde::{Deserialize, Serialize};

/// An exception for the parameters whose names match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// A parameter's name as in the model file; `*` stands for any characters. The first rule that matches counts.
    pub parameters: String,
    /// Decoupled weight decay; left out: as without the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Multiplies the learning rate; left out: as without the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate_scale: Option<f64>,
}

/// How one parameter is stepped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stepped {
    pub(super) learning_rate_scale: f64,
    pub(super) weight_decay: f64,
}

/// Each parameter by name: `weight_decay` for those that decay, changed by the first of `rules` that matches.
///
/// # Errors
/// A rule that matches no parameter, named `<place>[i]`.
pub(super) fn resolve(
    groups: Vec<ParameterGroup>,
    weight_decay: f64,
    rules: &[GroupRule],
    place: &str,
) -> Result<HashMap<String, Stepped>> {
    for (i, rule) in rules.iter().enumerate() {
        if !groups.iter().any(|g| matches(&rule.parameters, &g.path)) {
            let names: Vec<&str> = groups.iter().take(3).map(|g| g.path.as_str()).collect();
            return Err(Error::input(
                format_args!("{place}[{i}]"),
                format_args!("no parameter is called `{}`", rule.parameters),
                format_args!("names are like {}; `*` stands for any characters", names.join(", ")),
            ));
        }
    }
    let stepped = |g: ParameterGroup| {
        let rule = rules.iter().find(|r| matches(&r.parameters, &g.path));
        let of_recipe = |of: fn(&GroupRule) -> Option<f64>| rule.and_then(of);
        let stepped = Stepped {
            learning_rate_scale: of_recipe(|r| r.learning_rate_scale).unwrap_or(g.learning_rate_scale),
            weight_decay: of_recipe(|r| r.weight_decay).unwrap_or(if g.decays { weight_decay } else { 0.0 }),
        };
        (g.path, stepped)
    };
    Ok(groups.into_iter().map(stepped).collect())
}

/// Whether a name is like a pattern in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_model::mixers::Initialization;

    #[test]
    fn stars_stand_for_any_characters() {
        let name = "model.layers.3.mlp.up_proj.weight";
        for yes in ["*", name, "model.*", "*.weight", "*mlp*", "model.layers.*.mlp.*.weight", "*up*proj*"] {
            assert!(matches(yes, name), "{yes}");
        }
        for no in ["", "model", "*.bias", "model.layers.*.self_attn.*", "weight*", "*weightx", "model.*.model"] {
            assert!(!matches(no, name), "{no}");
        }
        assert!(!matches("ab*ba", "aba"), "parts may not overlap");
    }

    #[test]
    fn the_first_rule_that_matches_counts_and_one_without_parameters_is_refused() {
        let group = |path: &str, decays| ParameterGroup {
            path: path.into(),
            learning_rate_scale: 1.0,
            decays,
            initialization: Initialization::Constant(0.0),
        };
        let rule = |parameters: &str, weight_decay, learning_rate_scale| GroupRule {
            parameters: parameters.into(),
            weight_decay,
            learning_rate_scale,
        };
        let groups = || vec![group("embed", true), group("mlp.weight", true), group("norm.weight", false)];
        let rules = [rule("embed", Some(0.0), None), rule("*.weight", None, Some(0.5)), rule("norm*", Some(1.0), None)];
        let all = resolve(groups(), 0.1, &rules, "train.groups").unwrap();
        let of = |name: &str| (all[name].learning_rate_scale, all[name].weight_decay);
        assert_eq!((of("embed"), of("mlp.weight"), of("norm.weight")), ((1.0, 0.0), (0.5, 0.1), (0.5, 0.0)));
        let e = resolve(groups(), 0.1, &[rule("embed", None, None), rule("head", None, None)], "train.groups");
        assert!(e.unwrap_err().to_string().starts_with("train.groups[1]: no parameter is called `head`"));
    }
}
