//! Whether a paste shows that Okta is involved, or some other identity system.

use std::sync::LazyLock;

use regex::Regex;

use crate::redact::ascii::ascii;
use crate::rules::{ContextNeed, Scope};

/// Okta by name, by System Log events and their titles, by places in its console, by its ids (`0oa…`, `00u…`, `oae…`), codes, token scheme, or authorization server paths.
static OKTA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i:okta)|\bE0000\d{3}\b|\boae[0-9A-Za-z_-]{18,26}\b|\b0o[a-z][0-9A-Za-z]{17}\b|\b00[gu][0-9A-Za-z]{17}\b|\bSSWS\b|/oauth2/(?:default|aus[0-9A-Za-z]{17}|v1)/|(?i:Errors reported by remote server|automatic (?:profile push|provisioning|deprovisioning|deactivation|reactivation) of user|error while trying to push profile|could not push profile for|group push mapping)|(?i:eventType)[\x22']?\s{0,4}[:=]\s{0,4}[\x22']?(?:app|application|core|device|directory|group|iam|policy|security|system|user|workflows|zone)\.[a-z_.]{4,}|(?i:\b(?:OAuth2|OIDC) (?:(?:access|id|refresh) token is granted|authorization (?:code )?request|token request)\b|\buser single sign on to app\b|\bevaluation of sign-on policy\b|\bauthentication of user via mfa\b|\bauthenticate user (?:via idp|with social login)\b|\buser attempted unauthorized access to app\b|dashboard > tasks|provisioning > (?:integration|to app|to okta)|retry selected)|\b(?:app\.(?:oauth2|generic|ldap|radius|ad|office365)|user\.(?:session|authentication|mfa|account|lifecycle)|policy\.(?:evaluate_sign_on|rule|lifecycle)|application\.(?:provision|user_membership|lifecycle)|system\.(?:import|agent|api_token|org|email|sms|voice))\.[a-z_.]{3,}",
    )
    .expect("a constant pattern")
});

/// Other identity systems, by name, by the form of their errors, or by an OAuth endpoint elsewhere.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?im)^\W{0,4}(?:(?:intune|entra|azure ad)(?: provisioning)?|google|gam|apple|facebook)\s?:|^\W{0,4}\w+ (?:passkeys?|2fa) ?:|\bAADSTS\d|\bentra id\b|sts\.windows\.net|\bAADB2C\d|microsoftonline|boxyhq|\bclerk\b|googleoauth2|github (?:oauth|auth|provider|connector)|gitlab jwt|\b(?:set|get|new|remove|add|enable|disable)-ad[a-z]{3}|categoryinfo|fullyqualifiederrorid|innererror\W{1,4}\{|googlejsonresponseexception|googleapi: error|httperror 4|dmlexception|apex (?:class|test|trigger)|\bsfdx\b|\bour own (?:auth|backend|server|api|sts|idp|login)|\bbsky\b|\bazuread(?:_|\b)|doorkeeper|league/oauth2|\bhydra\b|oidc-provider|datadog-agent|wazuh|zabbix|buildkite|sentinelone|realm=\W*spark|argo workflows|com\.sun\.jndi|freeradius|rlm_|eapol_test|radtest|(?:via|with|through|from|in|to|is|=) entra\b|\(entra|entra (?:sso|app|->)|\bfrom (?:https?://)?api\.[\w-]+\.(?:com|io|net)\b|\bauth0|keycloak|/realms/|cognito|\bonelogin(?:\s|$|[,;)]|\.com)|pingfederate|\bping ?one\b|pingidentity|forgerock|jumpcloud|accounts\.google\.com|"status"\s{0,4}:\s{0,4}"(?:UNAUTHENTICATED|PERMISSION_DENIED)"|identityserver|shibboleth|\badfs\b|firebase|supabase|workos|samltest\.id|mocksaml|\bfusionauth|\bzitadel|\bauthentik|\bory\b|cyberark|duosecurity|duoauthproxy|duo universal prompt|authelia|\bduende\b|openiddict|simplesamlphp|lastpass|secureauth|customappsso|systemforcrossdomainidentitymanagement|mypurecloud|\b(?:new|set|get|update|remove|add|connect)-(?:mg|msol|azuread)[a-z]{3}|\bpure entra\b|\bidp\s?(?:=|:|is)\s?(?:entra|azure|google|onelogin|ping)|\b(?:via|with|through) google sso\b|[+&] onelogin\b|\bwith onelogin\b|https?://[\w.-]+/(?:[\w.-]+/){0,4}(?:oauth2?|connect)/(?:v\d[\w.]{0,4}/)?(?:token|authorize)\b"#,
    )
    .expect("a constant pattern")
});

/// A paste that begins with an error as the JSON of some API …
static JSON_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[\s>`]{0,6}\{\s*\\?["'](?:message|errors?|success|status|statusCode|code|msg|title|type|timestamp)\\?["']\s*:"#)
        .expect("a constant pattern")
});

/// … and what Okta's errors, OAuth's, SCIM's and those of apps below Okta's provisioning have besides.
/// <https://developer.okta.com/docs/reference/error-codes/#error-object>
static OKTA_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)errorSummary|errorCauses|errorLink|error_?description|error_uri|eventType|outcome|debugData|urn:ietf:params:scim|scimType|errorMessage|httpStatusCode|i18n|stateHandle|workflows|connector|"kind"|error\\?["']\s*:\s*\\?["'](?:invalid_|access_denied|unsupported_|unauthorized_client|server_error|login_required|consent_required|interaction_required|temporarily|mfa_|use_dpop|insufficient_)"#,
    )
    .expect("a constant pattern")
});

/// An app, which may or may not be entered through Okta, says something.
static APP_SAYS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?im)^\W{0,4}(?:github|gitlab|discord|slack|jira|confluence|bitbucket|trello|notion|figma|miro|asana|tableau|1password|dropbox|jenkins|sonarqube|wordpress|mongodb|snowflake|postgres|mysql)\s?:").expect("a constant pattern")
});

/// Somebody enters by single sign-on, or accounts are made from elsewhere.
static SINGLE_SIGN_ON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bsaml|\bsso\b|single sign[- ]on|\bscim|provisioning|\bunlinked\b|identity provider")
        .expect("a constant pattern")
});

/// Somebody says that Okta has no part in it.
static NOT_OKTA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:not (?:via |through |an? |from |about )?okta|without okta|nothing to do with okta|outside (?:of )?okta|no sso involved|no okta (?:involved|here))\b")
        .expect("a constant pattern")
});

/// What a paste itself says about its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The text shows Okta.
    pub okta_evident: bool,
    /// The text shows another identity system.
    pub foreign: bool,
}

impl Context {
    /// Reads the signs in a decoded text.
    pub fn read(text: &str) -> Self {
        let text = ascii(text);
        let denied = NOT_OKTA.is_match(&text);
        let elsewhere = || {
            FOREIGN.is_match(&text)
                || (APP_SAYS.is_match(&text) && !SINGLE_SIGN_ON.is_match(&text))
                || (JSON_ERROR.is_match(&text) && !OKTA_ERROR.is_match(&text) && !SINGLE_SIGN_ON.is_match(&text))
        };
        Self { okta_evident: !denied && OKTA.is_match(&text), foreign: denied || elsewhere() }
    }

    /// Whether the need of a match is met in a channel of this scope.
    pub fn meets(self, need: ContextNeed, scope: Scope) -> bool {
        match need {
            ContextNeed::None => true,
            ContextNeed::Implied => self.okta_evident || (scope == Scope::Okta && !self.foreign),
            ContextNeed::Evident => self.okta_evident,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Context;

    #[test]
    fn signs_of_okta_and_of_others() {
        for (text, okta_evident, foreign) in [
            ("see https://acme.okta.com/app", true, false),
            ("client 0oa1gjh63g214q0Hq0g4 failed", true, false),
            ("POST https://login.example.com/oauth2/default/v1/token", true, false),
            ("AADSTS50011: The reply URL", false, true),
            ("POST https://api.example.com/oauth/token 400", false, true),
            ("invalid_grant", false, false),
            ("OAuth2 token request\nFAILURE: invalid_refresh_token", true, false),
            ("Jira: Your account is locked. Please contact your administrator.", false, true),
            ("hi\nGoogle: This phone number is invalid", false, true),
            ("Slack: This phone number is invalid", false, true),
            ("{\"success\":false,\"message\":\"Invalid token provided.\"}", false, true),
            ("{\"error\":\"invalid_grant\"}", false, false),
            ("{\"status\":\"404\",\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"]}", false, false),
            ("Slack: \"SAML Response not signed\"", false, false),
            ("Entra provisioning: \"errors reported by remote server\"", true, true),
            ("New-MgUser_CreateExpanded: Another object with the same value", false, true),
            ("Keycloak brokered to Okta", true, true),
            ("Provisioning of user in Entra to Box failed: user_login_already_used", false, true),
            ("not Okta, just asking the crowd: Session not active", false, true),
        ] {
            assert_eq!(Context::read(text), Context { okta_evident, foreign }, "{text}");
        }
    }
}
