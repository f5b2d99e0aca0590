//! Whether a deployment went to production: what it says, else what its environment is called.

use bellwether_wire::pb;

/// Words that mean production.
const PRODUCTION: [&str; 3] = ["production", "prod", "live"];
/// Words that take it back: `pre-prod`, `non-production`.
const NOT_YET: [&str; 5] = ["pre", "non", "not", "test", "staging"];

/// True for a deployment to production.
pub(super) fn is_production(deployment: &pb::DeploymentFinished) -> bool {
    deployment.production.unwrap_or_else(|| is_called_production(&deployment.environment))
}

fn is_called_production(environment: &str) -> bool {
    let lower = environment.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric());
    words().any(|word| PRODUCTION.contains(&word)) && !words().any(|word| NOT_YET.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_known_by_their_names() {
        for name in ["production", "Production", "prod", "prod-eu-1", "aws/prod", "live"] {
            assert!(is_called_production(name), "{name}");
        }
        for name in ["", "staging", "preprod", "pre-prod", "non_production", "delivery", "prod-test", "dev"] {
            assert!(!is_called_production(name), "{name}");
        }
    }

    #[test]
    fn what_the_deployment_says_counts_before_its_name() {
        let mut deployment = pb::DeploymentFinished {
            environment: "blue".into(),
            production: Some(true),
            ..Default::default()
        };
        assert!(is_production(&deployment));
        deployment.environment = "production".into();
        deployment.production = Some(false);
        assert!(!is_production(&deployment));
    }
}
