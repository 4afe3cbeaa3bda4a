//! The three cases of the source documents, each clean and mangled as people paste.

pub(crate) const SHAREFILE: [&str; 4] = [
    "Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated session to app The credentials used to connect to the API were invalid; please check your configuration",
    "> morning! *Automatic provisioning of user dana@example.com to app\n> ShareFile failed: Error creating authenticated session to app The cred-\n> entials used to connect to the API were invalid; please check…* any idea?",
    "```\n│ AUTOMATIC PROVISIONING OF USER <mailto:dana@example.com|dana@example.com> TO APP ShareFile FAILED:\n│ Error creating authenticated session to app\u{a0}The credentials used to connect to the API were invalid\n```",
    "Automatic+provisioning+of+user+dana%40example.com+to+app+ShareFile+failed%3A+Error+creating+authenticated+session+to+app+The+credentials+used+to+connect+to+the+API+were+invalid",
];

pub(crate) const GMAIL: [&str; 5] = [
    "401: Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    r#""kind": "OAuth Refresh Error", "message": "HTTP Error: {\"error\":{\"status\":500,\"message\":{\"statusCode\":400,\"data\":\"{\\n \\\"error\\\": \\\"invalid_grant\\\",\\n \\\"error_description\\\": \\\"reauth related error (invalid_rapt)\\\",\\n \\\"error_uri\\\": \\\"https://support.google.com/a/answer/9368756\\\",\\n \\\"error_subtype\\\": \\\"invalid_rapt\\\"\\n}\"}}}","#,
    "our workflows gmail card says “401: Request had invalid authentication\ncredentials. Expected OAuth 2 access token, login cookie or other valid\nauthentication credential.” again",
    "&quot;kind&quot;: &quot;OAuth Refresh Error&quot;, &quot;message&quot;: &quot;HTTP Error: ... invalid_grant ... reauth related error (invalid_rapt) ...",
    "**401: Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See <https://developers.google.com/identity/sign-in/web/devconsole-project>.**",
];

pub(crate) const ATLASSIAN: [&str; 4] = [
    "Error authenticating: Forbidden. Errors reported by remote server:",
    "Atlassian Cloud, Test API Credentials:\n> Error authenticating: Forbidden. Errors\n> reported by remote server:",
    "\u{1b}[31mError authenticating: Forbidden.\u{1b}[0m Errors reported by remote server: (atlassian)",
    "&lt;p&gt;Error&nbsp;authenticating: <b>Forbidden</b>. Errors reported by remote server:&lt;/p&gt;",
];

/// Talk that must stay unanswered.
pub(crate) const CHATTER: [&str; 6] = [
    "good morning everyone, who is on support today?",
    "can we get the new hires assigned to the Salesforce app in Okta by Monday?",
    "what does E0000014 mean again, is it documented?",
    "if (err.errorCode === 'E0000011') { refresh(); }",
    "AADSTS50011: The reply URL specified in the request does not match the reply URLs configured for the application",
    "{\"status\":\"ACTIVE\",\"id\":\"00u1abcd2EFGHIJKL345\",\"profile\":{\"login\":\"dana@example.com\"}}",
];
