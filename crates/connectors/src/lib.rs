//! Connectors: Jira, Linear and PagerDuty, webhooks and imports.
