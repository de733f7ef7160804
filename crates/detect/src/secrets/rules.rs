//! The rules, one for each form of a credential. Uniform, so that a page is made of each.

use super::checksum::has_crc32_suffix;
use super::filter::{is_unusual_password, looks_chosen, looks_random};
use crate::pattern::{Pattern, compile_ascii, compile_large_ascii};
use regex::Regex;
use std::sync::LazyLock;

/// One form of a credential.
#[derive(Debug)]
pub struct Rule {
    /// Names the rule and its page.
    pub id: &'static str,
    /// What findings are called; several rules may find one kind.
    pub kind: &'static str,
    /// What it opens, in a few words.
    pub about: &'static str,
    /// The rule is tried on texts with one of these; case does not matter.
    pub keywords: &'static [&'static str],
    pub source: &'static str,
    /// In hundredths of a bit for each byte.
    pub entropy_min: u32,
    pub(super) pattern: Pattern,
    pub(super) checksum: Option<fn(&str) -> bool>,
    pub(super) shape: Option<fn(&str) -> bool>,
}

/// Rules whose patterns are large.
const LARGE: [&str; 3] = [
    "azure-connection-string",
    "login-command",
    "putty-private-key",
];

fn compile(id: &str, source: &str) -> Regex {
    if LARGE.contains(&id) {
        compile_large_ascii(source)
    } else {
        compile_ascii(source)
    }
}

macro_rules! rule {
    ($id:literal, $kind:literal, $about:literal, [$($keyword:literal),+], $entropy:literal, $source:expr) => {
        rule!($id, $kind, $about, [$($keyword),+], $entropy, $source, None, None)
    };
    ($id:literal, $kind:literal, $about:literal, [$($keyword:literal),+], $entropy:literal, $source:expr, $checksum:expr, $shape:expr) => {
        Rule {
            id: $id,
            kind: $kind,
            about: $about,
            keywords: &[$($keyword),+],
            source: $source,
            entropy_min: $entropy,
            pattern: LazyLock::new(|| compile($id, $source)),
            checksum: $checksum,
            shape: $shape,
        }
    };
}

/// What stands between a name and its value: a sign, in bold or with the value's type before it, or
/// a word.
macro_rules! assign {
    () => {
        concat!(
            r"\*{0,2}(?::\s{0,2}&?(?:'[a-z]{1,10} )?[a-z][a-z0-9_.:]{1,24}(?:[\[<][a-z]{1,16}[\]>])?\??\s{0,2}=|",
            r"={1,3}|:{1,3}=|\?=|=>|:{1,2}|：|\|{1,2}|,|>|\sis:?\s)\*{0,2}"
        )
    };
}

/// The value of a name that stands as a value itself, in XML, JSON or YAML.
macro_rules! value {
    () => {
        r#"["']?,?\s{0,20}["']?\bvalue["']?\s{0,3}[:=]\s{0,3}"#
    };
}

/// What a value begins with: a quote, before which Python, Rust and others write what kind it has.
macro_rules! quote {
    () => {
        r#"(?:[bfru]{0,2}["'`])?"#
    };
}

/// Lines of base64 up to the end, behind whatever headers; or up to the end of the text (of a file
/// that was read in part), and then nothing but headers before them. Only they are tested: a header
/// may hold a word that stands in examples.
const PRIVATE_KEY: &str = concat!(
    r"-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:",
    r"(?:[^-]|-[^-])*?(?<body>[A-Za-z0-9+/=]{16,}(?:[^A-Za-z0-9+/=-]{1,8}[A-Za-z0-9+/=]+)*)",
    r"[^A-Za-z0-9+/=-]{0,8}-{4,5} ?END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}|",
    r"[^A-Za-z0-9+/=-]{0,8}(?:[A-Za-z][A-Za-z-]*: [^\r\n]*\s+)*",
    r"(?<beginning>[A-Za-z0-9+/=]{40,}(?:[^A-Za-z0-9+/=-]{1,8}[A-Za-z0-9+/=]{40,})*)",
    r"(?:[^A-Za-z0-9+/=-]{1,8}[A-Za-z0-9+/=]{1,39})?[^A-Za-z0-9+/=-]{0,8}\z)",
);

/// A rule whose keywords are names of services, one of which stands before the value.
macro_rules! service_rule {
    ($id:literal, $kind:literal, $about:literal, $entropy:literal, [$first:literal $(, $service:literal)+], $name:literal, $value:literal) => {
        rule!(
            $id, $kind, $about, [$first $(, $service)+], $entropy,
            concat!("(?i)(?:", $first $(, "|", $service)+, ")", $name, assign!(), $value),
            None, Some(looks_random)
        )
    };
}

/// The more precise rules first.
#[rustfmt::skip]
pub static RULES: [Rule; 175] = [
    rule!("private-key", "PRIVATE_KEY", "a private key in PEM form", ["private key"], 300,
        PRIVATE_KEY),
    rule!("age-secret-key", "AGE_KEY", "an age file key", ["age-secret-key-1"], 300,
        r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L0-9A-Z]{58}\b"),
    rule!("github-token", "GITHUB_TOKEN", "a GitHub account or installation", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], 300,
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}\b|ghs_[0-9]{1,16}_eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]{10,}){2})", Some(has_crc32_suffix), None),
    rule!("github-fine-grained-token", "GITHUB_TOKEN", "parts of a GitHub account", ["github_pat_"], 300,
        r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b", Some(has_crc32_suffix), None),
    rule!("gitlab-token", "GITLAB_TOKEN", "a GitLab account, runner or pipeline", ["gr1348941", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-"], 300,
        r"\b(?:gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt)-[A-Za-z0-9_-]{20,300}(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?|GR1348941[A-Za-z0-9_-]{20})"),
    rule!("aws-access-key-id", "AWS_ACCESS_KEY", "an AWS account, with its secret key", ["akia", "asia", "abia", "acca", "a3t"], 300,
        r"\b((?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z2-7]{16})\b"),
    rule!("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY", "an AWS account, with its key id", ["aws", "akia", "asia", "secret_access_key", "secretaccesskey", "secretkey", "secret_key"], 400,
        r#"(?i)(?:(?:aws.{0,24}?(?:key|secret|token|pw|pass)|(?:\b|s3_?|minio_?|access_?)secret[_-]?key|secret[_-]?access[_-]?key).{0,20}?[^A-Za-z0-9/+]|\b(?-i:AKIA|ASIA)[A-Z2-7]{16}["']?\s{0,3}[,:;|]\s{0,3}["']?)([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#, None, Some(looks_random)),
    rule!("azure-storage-key", "AZURE_STORAGE_KEY", "an Azure storage account", ["accountkey", "storage_key", "storagekey", "azure"], 400,
        r#"(?i)(?:AccountKey|storage[_-]?(?:account[_-]?)?key|azure.{0,20}key)["'`]?.{0,12}?[^A-Za-z0-9+/]([A-Za-z0-9+/]{86}==)"#),
    rule!("slack-token", "SLACK_TOKEN", "a Slack workspace", ["xoxa-", "xoxb-", "xoxc-", "xoxd-", "xoxp-", "xoxo-", "xoxs-", "xoxr-", "xoxe-", "xoxe.", "xapp-"], 250,
        r"\b(?:(?:xoxe\.)?xox[abceoprs]-(?:\d-)?[A-Za-z0-9-]{16,250}|xoxd-[A-Za-z0-9%+/=-]{40,400}|xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{32,80})"),
    rule!("slack-webhook", "SLACK_WEBHOOK", "posting to a Slack channel", ["hooks.slack.com"], 300,
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,90}"),
    rule!("stripe-key", "STRIPE_KEY", "payments with Stripe", ["sk_test_", "sk_live_", "sk_prod_", "rk_test_", "rk_live_", "rk_prod_", "whsec_"], 300,
        r"\b(?:(?:sk|rk)_(?:test|live|prod)_[A-Za-z0-9]{10,247}|whsec_[A-Za-z0-9+/=]{32,64})\b"),
    rule!("openai-key", "OPENAI_KEY", "an OpenAI project", ["sk-"], 300,
        r"\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{16,250}|[A-Za-z0-9]{32,64}\b|[A-Za-z0-9_-]{16,200}T3BlbkFJ[A-Za-z0-9_-]{16,200})"),
    rule!("anthropic-key", "ANTHROPIC_KEY", "an Anthropic workspace", ["sk-ant-"], 300,
        r"\bsk-ant-(?:api|admin|oat|sid)\d{2}-[A-Za-z0-9_-]{60,120}"),
    rule!("npm-token", "NPM_TOKEN", "publishing npm packages", ["npm_"], 300,
        r"\bnpm_[A-Za-z0-9]{36}\b", Some(has_crc32_suffix), None),
    rule!("pypi-token", "PYPI_TOKEN", "publishing Python packages", ["pypi-age"], 300,
        r"\bpypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ)[A-Za-z0-9_-]{50,1000}"),
    rule!("jwt", "JWT", "what the token's issuer grants", ["eyj"], 300,
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]{10,})?"),
    rule!("google-api-key", "GOOGLE_API_KEY", "Google's APIs", ["aiza"], 300,
        r"\bAIza[A-Za-z0-9_-]{35}"),
    rule!("google-oauth-secret", "GOOGLE_API_KEY", "a Google OAuth client", ["gocspx-", "ya29."], 300,
        r"\b(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,500})"),
    rule!("google-service-account", "GOOGLE_API_KEY", "a Google service account", ["private_key_id"], 300,
        r#""private_key_id"\s*:\s*"([a-f0-9]{40})""#),
    rule!("huggingface-token", "HF_TOKEN", "a Hugging Face account", ["hf_", "api_org_"], 300,
        r"\b(?:hf_|api_org_)[A-Za-z]{34}\b"),
    rule!("sendgrid-key", "SENDGRID_KEY", "mail through SendGrid", ["sg."], 300,
        r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    rule!("mailgun-key", "MAILGUN_KEY", "mail through Mailgun", ["key-"], 300,
        r"\b(key-[a-f0-9]{32}|(?:pub)?key-[a-f0-9]{32})\b"),
    rule!("mailchimp-key", "MAILCHIMP_KEY", "mail through Mailchimp", ["-us"], 300,
        r"\b[a-f0-9]{32}-us[0-9]{1,2}\b"),
    rule!("brevo-key", "BREVO_KEY", "mail through Brevo", ["xkeysib-", "xsmtpsib-"], 300,
        r"\b(?:xkeysib|xsmtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}\b"),
    rule!("twilio-key", "TWILIO_KEY", "calls and messages through Twilio", ["sk", "ac"], 300,
        r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    rule!("notion-token", "NOTION_TOKEN", "a Notion workspace", ["secret_", "ntn_"], 350,
        r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,50})\b"),
    rule!("linear-key", "LINEAR_KEY", "a Linear workspace", ["lin_api_", "lin_oauth_"], 300,
        r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}\b"),
    rule!("shopify-token", "SHOPIFY_TOKEN", "a Shopify shop", ["shpat_", "shpca_", "shppa_", "shpss_"], 250,
        r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    rule!("discord-token", "DISCORD_TOKEN", "a Discord bot", [".", "discord"], 380,
        r"\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})"),
    rule!("discord-webhook", "DISCORD_WEBHOOK", "posting to a Discord channel", ["/api/webhooks/"], 300,
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{17,20}(?:/[A-Za-z0-9_-]{60,70})?"),
    rule!("teams-webhook", "TEAMS_WEBHOOK", "posting to a Teams channel", ["webhook.office.com"], 300,
        r"https://[\w-]+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{36,250}"),
    rule!("zapier-webhook", "ZAPIER_WEBHOOK", "starting a Zap", ["hooks.zapier.com", "zapier.com/hooks"], 250,
        r"zapier\.com/hooks/catch/([A-Za-z0-9/]{10,40})"),
    rule!("telegram-token", "TELEGRAM_TOKEN", "a Telegram bot", [":aa", "telegram"], 350,
        r"(?:\b|bot)([0-9]{8,10}:(?:AA[A-Za-z0-9_-]{32,33}|[A-Za-z0-9_-]{35}))"),
    rule!("digitalocean-token", "DIGITALOCEAN_TOKEN", "a DigitalOcean account", ["dop_v1_", "doo_v1_", "dor_v1_"], 300,
        r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    rule!("databricks-token", "DATABRICKS_TOKEN", "a Databricks workspace", ["dapi"], 280,
        r"\bdapi[a-h0-9]{32}(?:-\d)?\b"),
    rule!("docker-token", "DOCKER_PAT", "a Docker Hub account", ["dckr_pat_", "dckr_oat_"], 300,
        r"\bdckr_[po]at_[A-Za-z0-9_-]{27,32}"),
    rule!("grafana-token", "GRAFANA_TOKEN", "a Grafana stack", ["glsa_", "glc_"], 300,
        r"\b(?:glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})"),
    rule!("groq-key", "GROQ_KEY", "Groq's models", ["gsk_"], 300,
        r"\bgsk_[A-Za-z0-9]{48,56}\b"),
    rule!("xai-key", "XAI_KEY", "xAI's models", ["xai-"], 300,
        r"\bxai-[A-Za-z0-9_-]{60,90}"),
    rule!("vault-token", "VAULT_TOKEN", "a HashiCorp Vault", ["hvs.", "hvb.", "hvr."], 300,
        r"\bhv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    rule!("terraform-token", "TERRAFORM_TOKEN", "Terraform Cloud", [".atlasv1."], 300,
        r"\b[A-Za-z0-9]{10,16}\.atlasv1\.[A-Za-z0-9_=-]{40,80}"),
    rule!("postman-key", "POSTMAN_KEY", "a Postman account", ["pmak-"], 300,
        r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b"),
    rule!("newrelic-key", "NEWRELIC_KEY", "a New Relic account", ["nrak-", "nrra-", "nriq-"], 300,
        r"\bNR(?:AK|RA|IQ)-[A-Za-z0-9-]{27,42}"),
    rule!("dynatrace-token", "DYNATRACE_TOKEN", "a Dynatrace environment", ["dt0"], 300,
        r"\bdt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b"),
    rule!("doppler-token", "DOPPLER_TOKEN", "a Doppler project", ["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], 300,
        r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b"),
    rule!("pulumi-token", "PULUMI_TOKEN", "a Pulumi account", ["pul-"], 300,
        r"\bpul-[a-f0-9]{40}\b"),
    rule!("planetscale-token", "PLANETSCALE_TOKEN", "a PlanetScale database", ["pscale_"], 300,
        r"\bpscale_(?:tkn|oauth|pw)_[A-Za-z0-9=._-]{32,64}"),
    rule!("supabase-token", "SUPABASE_TOKEN", "a Supabase project", ["sbp_", "sb_secret_"], 300,
        r"\b(?:sbp_[a-z0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,60})\b"),
    rule!("sourcegraph-token", "SOURCEGRAPH_TOKEN", "a Sourcegraph instance", ["sgp_", "slk_"], 300,
        r"\b(?:sgp_(?:local_|[a-f0-9]{16}_)?[A-Fa-f0-9]{40}|slk_[a-f0-9]{64})\b"),
    rule!("sonar-token", "SONAR_TOKEN", "a Sonar server", ["squ_", "sqp_", "sqa_"], 300,
        r"\bsq[upa]_[A-Za-z0-9]{40}\b"),
    rule!("square-token", "SQUARE_TOKEN", "payments with Square", ["sq0"], 300,
        r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}"),
    rule!("figma-token", "FIGMA_TOKEN", "a Figma account", ["figd_", "figma"], 280,
        r"\b(?:figd_[A-Za-z0-9_-]{38,60}|\d{4}-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12})"),
    rule!("airtable-token", "AIRTABLE_TOKEN", "an Airtable base", ["pat", "airtable"], 300,
        r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b|(?i:airtable)[^\n]{0,24}?\b(key[A-Za-z0-9]{14})\b", None, Some(looks_random)),
    rule!("hubspot-token", "HUBSPOT_TOKEN", "a HubSpot account", ["pat-na", "pat-eu"], 300,
        r"\bpat-(?:na|eu)\d-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}\b"),
    rule!("sentry-token", "SENTRY_TOKEN", "a Sentry organisation", ["sntrys_", "sntryu_"], 300,
        r"\bsntry[su]_[A-Za-z0-9+/=_]{60,400}"),
    rule!("fly-token", "FLY_TOKEN", "a Fly.io organisation", ["fm1", "fm2_", "fo1_"], 300,
        r"\b(?:fm(?:1[ar]?|2)_[A-Za-z0-9+/]{80,600}={0,3}|fo1_[A-Za-z0-9_-]{43})"),
    rule!("octopus-key", "OCTOPUS_KEY", "an Octopus Deploy server", ["api-"], 320,
        r"\bAPI-[A-Z0-9]{26}\b", None, Some(looks_random)),
    rule!("artifactory-key", "ARTIFACTORY_KEY", "a JFrog Artifactory", ["akcp"], 350,
        r"\bAKCp[A-Za-z0-9]{69,73}\b"),
    rule!("nuget-key", "NUGET_KEY", "publishing NuGet packages", ["oy2"], 320,
        r"\boy2[a-z0-9]{43}\b"),
    rule!("facebook-token", "FACEBOOK_TOKEN", "a Facebook account or page", ["eaac", "eaam", "eaa"], 380,
        r"\bEAA[A-Za-z0-9]{80,400}\b"),
    rule!("mapbox-token", "MAPBOX_TOKEN", "a Mapbox account", ["sk.eyj", "pk.eyj", "tk.eyj"], 350,
        r"\b[spt]k\.eyJ[A-Za-z0-9_-]{50,200}\.[A-Za-z0-9_-]{20,30}"),
    rule!("salesforce-token", "SALESFORCE_TOKEN", "a Salesforce organisation", ["00d"], 380,
        r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,260}"),
    rule!("zoho-token", "ZOHO_TOKEN", "a Zoho account", ["1000."], 300,
        r"\b1000\.[a-f0-9]{32}\.[a-f0-9]{32}\b"),
    rule!("maxmind-key", "MAXMIND_KEY", "MaxMind's databases", ["_mmk"], 250,
        r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b"),
    rule!("frameio-token", "FRAMEIO_TOKEN", "a Frame.io account", ["fio-u-"], 300,
        r"\bfio-u-[A-Za-z0-9_=-]{60,70}"),
    rule!("adafruit-key", "ADAFRUIT_KEY", "Adafruit IO", ["aio_"], 300,
        r"\baio_[A-Za-z0-9]{28}\b"),
    rule!("perplexity-key", "PERPLEXITY_KEY", "Perplexity's models", ["pplx-"], 300,
        r"\bpplx-[A-Za-z0-9]{48}\b"),
    rule!("aws-session-token", "AWS_SESSION_TOKEN", "an AWS role for some hours", ["iqojb3jpz2lu", "fwogzxivyxdz", "session_token", "sessiontoken"], 400,
        r#"\b((?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/]{80,2000}={0,2})|(?i:session_?token)["']?\s{0,3}[=:]\s{0,3}["']?[A-Za-z0-9+/]{200,2000}={0,2}"#),
    rule!("aws-bedrock-key", "AWS_BEDROCK_KEY", "models in AWS Bedrock", ["absk", "bedrock-api-key-"], 350,
        r"\b(?:ABSK[A-Za-z0-9+/]{100,300}={0,2}|bedrock-api-key-[A-Za-z0-9+/]{40,4000}={0,2})"),
    rule!("aws-appsync-key", "AWS_APPSYNC_KEY", "an AWS AppSync API", ["da2-"], 300,
        r"\bda2-[a-z0-9]{26}\b"),
    rule!("amazon-token", "AMAZON_TOKEN", "an Amazon seller's or developer's account", ["amzn.mws.", "amzn1.oa2-cs"], 300,
        r"\b(?:amzn\.mws\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|amzn1\.oa2-cs\.v1\.[a-f0-9]{64})\b"),
    rule!("azure-client-secret", "AZURE_CLIENT_SECRET", "an application in Microsoft Entra", ["q~"], 350,
        r"(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?:[^A-Za-z0-9_~.-]|$)"),
    rule!("azure-devops-token", "AZURE_DEVOPS_TOKEN", "an Azure DevOps organisation", ["azdo"], 400,
        r"\b[A-Za-z0-9]{72,80}AZDO[A-Za-z0-9]{4}\b"),
    rule!("azure-marked-key", "AZURE_KEY", "the Azure service that the marker names", ["jqqj99", "azfu", "azse", "acdb", "azca", "aiot", "apim", "+ast", "+asb", "+aeh", "+arm", "+acr"], 400,
        r"(?:^|[^A-Za-z0-9+/_-])([A-Za-z0-9+/_-]{33,76}(?:JQQJ99|AzFu|AzSe|ACDb|AzCa|AIoT|APIM|\+ASt|\+ASb|\+AEh|\+ARm|\+ACR)[A-Za-z0-9+/_-]{5,40}={0,2})"),
    rule!("azure-connection-string", "AZURE_KEY", "a queue, hub or store in Azure", ["sharedaccesskey=", "secret="], 380,
        r"(?:SharedAccessKey|Endpoint=https://[\w.-]{1,80}\.azconfig\.io;Id=[\w+/:.=-]{4,60};Secret)=([A-Za-z0-9+/]{40,90}={0,2})"),
    rule!("azure-shared-signature", "AZURE_KEY", "what the signed address names", ["sig="], 380,
        r"[?&;]sig=([A-Za-z0-9%+/]{42,70}(?:=|%3[Dd]))"),
    rule!("google-refresh-token", "GOOGLE_API_KEY", "a Google account", ["1//0"], 380,
        r"\b1//0[A-Za-z0-9_-]{40,150}"),
    rule!("firebase-server-key", "GOOGLE_API_KEY", "messages to a Firebase application", [":apa91b"], 380,
        r"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,180}"),
    rule!("atlassian-token", "ATLASSIAN_TOKEN", "an Atlassian account", ["atatt3", "atctt3", "atbb", "atst"], 380,
        r"\b(?:AT[AC]TT3[A-Za-z0-9_=-]{60,300}|ATBB[A-Za-z0-9]{24,32})"),
    rule!("alibaba-key", "ALIBABA_KEY", "an Alibaba Cloud account, with its secret", ["ltai"], 300,
        r"\bLTAI[A-Za-z0-9]{12,24}\b", None, Some(looks_random)),
    rule!("tencent-key", "TENCENT_KEY", "a Tencent Cloud account, with its secret", ["akid"], 380,
        r"\bAKID[A-Za-z0-9]{32}\b"),
    rule!("yandex-token", "YANDEX_TOKEN", "a Yandex Cloud account", ["t1.9", "aqvn", "ycaj", "ycmo", "ycnt"], 380,
        r"\b(?:t1\.9[A-Za-z0-9_-]{30,300}\.[A-Za-z0-9_-]{86}={0,2}|AQVN[A-Za-z0-9_-]{35,38}|YC(?:AJ|MO|NT)[A-Za-z0-9_-]{36})"),
    rule!("heroku-token", "HEROKU_TOKEN", "a Heroku account", ["hrku-", "heroku"], 300,
        r#"\bHRKU-[A-Za-z0-9_-]{36,70}|(?i:heroku)[^\n]{0,24}?["'=:\s]([a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12})\b"#),
    rule!("netlify-token", "NETLIFY_TOKEN", "a Netlify account", ["nfp_", "nfo_", "nfc_", "nfu_", "nfb_"], 350,
        r"\bnf[pocub]_[A-Za-z0-9]{36}\b"),
    rule!("vercel-token", "VERCEL_TOKEN", "a Vercel team", ["vcp_", "vci_", "vca_", "vcr_", "vck_", "vercel_blob_rw_"], 350,
        r"\b(?:vc[piark]_[A-Za-z0-9]{48,64}|vercel_blob_rw_[A-Za-z0-9]{16}_[A-Za-z0-9]{30,40})\b"),
    rule!("render-key", "RENDER_KEY", "a Render account", ["rnd_"], 350,
        r"\brnd_[A-Za-z0-9]{28,36}\b"),
    rule!("tailscale-key", "TAILSCALE_KEY", "a Tailscale network", ["tskey-"], 300,
        r"\btskey-(?:[a-z]{2,8}-)?[A-Za-z0-9]{8,24}-[A-Za-z0-9]{16,44}\b"),
    rule!("cloudflare-origin-key", "CLOUDFLARE_TOKEN", "certificates of Cloudflare's origins", ["v1.0-"], 300,
        r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b"),
    rule!("cloudflare-token", "CLOUDFLARE_TOKEN", "a Cloudflare account", ["cfut_", "cfat_", "cfk_"], 350,
        r"\bcf(?:ut|at|k)_[A-Za-z0-9]{40}[a-f0-9]{8}\b"),
    rule!("datadog-key", "DATADOG_KEY", "a Datadog organisation", ["ddapp_"], 350,
        r"\bddapp_[A-Za-z0-9]{34}\b"),
    rule!("feishu-webhook", "FEISHU_WEBHOOK", "posting to a Feishu or Lark group", ["/bot/v2/hook/"], 300,
        r"https://open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    rule!("ifttt-key", "IFTTT_KEY", "starting an IFTTT applet", ["maker.ifttt.com"], 350,
        r"maker\.ifttt\.com/trigger/[A-Za-z0-9_.-]{1,64}/(?:json/)?with/key/([A-Za-z0-9_-]{20,64})"),
    rule!("infisical-token", "INFISICAL_TOKEN", "an Infisical project", ["st."], 300,
        r"\bst\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}\b"),
    rule!("jwk-private-key", "PRIVATE_KEY", "a private key in JSON form", ["\"kty\""], 400,
        r#""d"\s{0,3}:\s{0,3}"([A-Za-z0-9_-]{43,700})""#),
    rule!("password-hash", "PASSWORD_HASH", "an account whose password can be guessed from it", ["$y$", "$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$"], 350,
        r"(?:^|\n)[A-Za-z0-9_.-]{1,32}:(\$(?:[156y]|2[aby])\$[A-Za-z0-9./$=,-]{24,200})", None, Some(looks_random)),
    rule!("session-cookie", "GENERIC_SECRET", "a session with the server", ["sessionid", "session_id", "sessid", "connect.sid", "laravel_session"], 330,
        r"(?i)\b(?:(?:php|j|asp\.net_)?sess(?:ion_?)?id|connect\.sid|laravel_session)=([A-Za-z0-9%._-]{20,300})", None, Some(looks_random)),
    rule!("openshift-token", "OPENSHIFT_TOKEN", "an OpenShift cluster", ["sha256~"], 380,
        r"\bsha256~[A-Za-z0-9_-]{43}\b"),
    rule!("kubernetes-bootstrap-token", "KUBERNETES_TOKEN", "joining a Kubernetes cluster", ["kubeadm", "bootstrap", "token-secret"], 300,
        r"(?i:kubeadm|bootstrap|token-secret)[^\n]{0,120}?\b([a-z0-9]{6}\.[a-z0-9]{16})\b", None, Some(looks_random)),
    rule!("wireguard-key", "WIREGUARD_KEY", "a WireGuard tunnel", ["privatekey", "presharedkey"], 400,
        r"(?i:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}([A-Za-z0-9+/]{43}=)"),
    rule!("putty-private-key", "PRIVATE_KEY", "a private key in PuTTY's form", ["putty-user-key-file"], 300,
        r"PuTTY-User-Key-File-[23]:(?s:.{1,3000}?)Private-Lines: \d{1,3}\r?\n((?:[A-Za-z0-9+/=]{1,64}\r?\n?){1,80})"),
    rule!("1password-key", "ONEPASSWORD_KEY", "a 1Password account or vault", ["a3-", "ops_ey"], 300,
        r"\b(?:A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}\b|ops_eyJ[A-Za-z0-9+/_-]{100,1500}={0,3})"),
    rule!("adobe-secret", "ADOBE_SECRET", "an Adobe application", ["p8e-"], 300,
        r"\bp8e-[A-Za-z0-9_-]{32}\b"),
    rule!("artifactory-reference-token", "ARTIFACTORY_KEY", "a JFrog Artifactory", ["cmvmd"], 380,
        r"\bcmVmd[A-Za-z0-9]{55,70}\b"),
    rule!("asana-token", "ASANA_TOKEN", "an Asana workspace", [":", "asana"], 320,
        r"\b[0-9]/[0-9]{13,17}(?:/[0-9]{13,17})?:[a-f0-9]{32}\b"),
    rule!("braintree-token", "BRAINTREE_TOKEN", "payments with Braintree", ["access_token$"], 300,
        r"\baccess_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}\b"),
    rule!("buildkite-token", "BUILDKITE_TOKEN", "a Buildkite account or agent", ["bkua_", "bkaj_", "bkpt_", "bkat_"], 300,
        r"\bbk(?:ua|aj|pt|at)_[a-f0-9]{40}\b"),
    rule!("circleci-token", "CIRCLECI_TOKEN", "a CircleCI account or project", ["ccipat_", "cciprj_"], 300,
        r"\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{20,24}_[a-f0-9]{40}\b"),
    rule!("clickhouse-key", "CLICKHOUSE_KEY", "ClickHouse Cloud", ["4b1d"], 350,
        r"\b4b1d[A-Za-z0-9]{38}\b"),
    rule!("clickup-token", "CLICKUP_TOKEN", "a ClickUp workspace", ["pk_"], 320,
        r"\bpk_[0-9]{6,10}_[A-Z0-9]{32}\b"),
    rule!("clojars-token", "CLOJARS_TOKEN", "publishing Clojure packages", ["clojars_"], 300,
        r"\bCLOJARS_[A-Za-z0-9]{60}\b"),
    rule!("cockroach-key", "COCKROACH_KEY", "CockroachDB Cloud", ["ccdb1_"], 350,
        r"\bCCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}\b"),
    rule!("aiven-password", "AIVEN_TOKEN", "a database of Aiven", ["avns_"], 320,
        r"\bAVNS_[A-Za-z0-9_-]{14,24}"),
    rule!("mongodb-atlas-secret", "MONGODB_SECRET", "MongoDB Atlas", ["mdb_sa_sk_"], 350,
        r"\bmdb_sa_sk_[A-Za-z0-9_-]{36,44}"),
    rule!("contentful-token", "CONTENTFUL_TOKEN", "a Contentful account", ["cfpat-"], 350,
        r"\bCFPAT-[A-Za-z0-9_-]{40,50}"),
    rule!("cratesio-token", "CRATESIO_TOKEN", "publishing Rust crates", ["cio"], 380,
        r"\bcio[A-Za-z0-9]{32}\b", None, Some(looks_random)),
    rule!("dependency-track-key", "DEPENDENCY_TRACK_KEY", "a Dependency-Track server", ["odt_"], 350,
        r"\bodt_(?:[A-Za-z0-9]{8}_)?[A-Za-z0-9]{32}\b"),
    rule!("dropbox-token", "DROPBOX_TOKEN", "a Dropbox account", ["sl."], 400,
        r"\bsl\.(?:u\.)?[A-Za-z0-9_-]{100,1400}"),
    rule!("duffel-token", "DUFFEL_TOKEN", "bookings through Duffel", ["duffel_"], 350,
        r"\bduffel_(?:test|live)_[A-Za-z0-9_=-]{40,48}"),
    rule!("easypost-key", "EASYPOST_KEY", "shipments through EasyPost", ["ezak", "eztk"], 350,
        r"\bEZ[AT]K[A-Za-z0-9]{54}\b"),
    rule!("elastic-key", "ELASTIC_KEY", "Elastic Cloud", ["essu_"], 350,
        r"\bessu_[A-Za-z0-9+/_-]{40,160}={0,2}"),
    rule!("facebook-app-token", "FACEBOOK_TOKEN", "a Facebook application", ["|"], 350,
        r"\b[0-9]{13,17}\|[A-Za-z0-9_-]{27}\b"),
    rule!("instagram-token", "FACEBOOK_TOKEN", "an Instagram account", ["igq", "igaa"], 380,
        r"\b(?:IGQ|IGAA)[A-Za-z0-9_-]{80,300}"),
    rule!("flutterwave-secret", "FLUTTERWAVE_KEY", "payments with Flutterwave", ["flwseck"], 300,
        r"\bFLWSECK(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?\b"),
    rule!("gitlab-routable-token", "GITLAB_TOKEN", "a GitLab account or application", ["glagent-", "gloas-", "glffct-", "glwt-"], 300,
        r"\bgl(?:agent|oas|ffct|wt)-[A-Za-z0-9_-]{20,300}(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?"),
    rule!("grafana-key", "GRAFANA_TOKEN", "a Grafana server", ["eyjrijoi"], 350,
        r"\beyJrIjoi[A-Za-z0-9_+/=-]{50,400}"),
    rule!("harness-token", "HARNESS_TOKEN", "a Harness account", ["pat.", "sat."], 350,
        r"\b[ps]at\.[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}\b"),
    rule!("honeycomb-key", "HONEYCOMB_KEY", "a Honeycomb environment", ["hcaik_", "hcbik_", "hccik_", "hcxik_", "hcamk_", "hcbmk_", "hccmk_", "hcxmk_"], 350,
        r"\bhc[abcx][im]k_[a-z0-9]{26,64}\b"),
    rule!("infracost-key", "INFRACOST_KEY", "Infracost's prices", ["ico-"], 350,
        r"\bico-[A-Za-z0-9]{32}\b"),
    rule!("intercom-token", "INTERCOM_TOKEN", "an Intercom workspace", ["dg9rog"], 350,
        r"\bdG9rOg[A-Za-z0-9+/]{40,80}={0,2}"),
    rule!("launchdarkly-key", "LAUNCHDARKLY_KEY", "a LaunchDarkly project", ["sdk-", "api-"], 300,
        r"\b(?:sdk|api)-[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}\b"),
    rule!("linkedin-secret", "LINKEDIN_SECRET", "a LinkedIn application", ["wpl_ap1."], 300,
        r"\bWPL_AP1\.[A-Za-z0-9]{16}\.[A-Za-z0-9+/=]{6,12}"),
    rule!("lob-key", "LOB_KEY", "letters through Lob", ["live_", "test_"], 320,
        r"\b(?:live|test)_[a-f0-9]{35}\b"),
    rule!("mailersend-key", "MAILERSEND_KEY", "mail through MailerSend", ["mlsn."], 300,
        r"\bmlsn\.[a-f0-9]{64}\b"),
    rule!("mandrill-key", "MAILCHIMP_KEY", "mail through Mandrill", ["md-", "mandrill"], 380,
        r"\bmd-[A-Za-z0-9_-]{22}\b", None, Some(looks_random)),
    rule!("netrc-password", "GENERIC_PASSWORD", "the machine that the line names", ["machine"], 200,
        r"\bmachine\s+\S{1,100}\s+login\s+\S{1,64}\s+password\s+(\S{4,100})", None, Some(is_unusual_password)),
    rule!("npm-registry-token", "NPM_TOKEN", "a registry of npm packages", [":_authtoken", ":_password", "_auth"], 300,
        r#"(?i)(?:^|[:\s])_(?:authToken|password|auth)\s{0,3}=\s{0,3}["']?([A-Za-z0-9+/_.-]{16,400}={0,2})"#, None, Some(looks_random)),
    rule!("okta-token", "OKTA_TOKEN", "an Okta organisation", ["okta", "ssws"], 350,
        r"(?i:okta|ssws)[^\n]{0,60}?[^A-Za-z0-9_-](00[A-Za-z0-9_-]{39,40})(?:[^A-Za-z0-9_-]|$)"),
    rule!("packagist-token", "PACKAGIST_TOKEN", "publishing PHP packages", ["packagist_"], 300,
        r"\bpackagist_[ou][ru]t_[a-f0-9]{60,80}\b"),
    rule!("plaid-token", "PLAID_TOKEN", "bank accounts through Plaid", ["access-sandbox-", "access-development-", "access-production-"], 300,
        r"\baccess-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    rule!("posthog-key", "POSTHOG_KEY", "a PostHog project", ["phx_", "phs_"], 350,
        r"\bph[xs]_[A-Za-z0-9]{40,50}\b"),
    rule!("prefect-key", "PREFECT_KEY", "a Prefect workspace", ["pnu_", "pnb_"], 350,
        r"\bpn[ub]_[A-Za-z0-9]{36}\b"),
    rule!("rapidapi-key", "RAPIDAPI_KEY", "services behind RapidAPI", ["msh"], 320,
        r"\b[a-f0-9]{10}msh[a-f0-9]{15}p1[a-f0-9]{6}jsn[a-f0-9]{12}\b"),
    rule!("readme-key", "README_KEY", "a ReadMe project", ["rdme_"], 320,
        r"\brdme_[a-z0-9]{70}\b"),
    rule!("resend-key", "RESEND_KEY", "mail through Resend", ["re_"], 350,
        r"\bre_[A-Za-z0-9]{7,9}_[A-Za-z0-9]{20,28}\b", None, Some(looks_random)),
    rule!("rubygems-key", "RUBYGEMS_KEY", "publishing Ruby gems", ["rubygems_"], 300,
        r"\brubygems_[a-f0-9]{48}\b"),
    rule!("scalingo-token", "SCALINGO_TOKEN", "a Scalingo account", ["tk-us-", "tk-eu-"], 350,
        r"\btk-(?:us|eu)-[A-Za-z0-9_-]{48}\b"),
    rule!("segment-token", "SEGMENT_TOKEN", "a Segment workspace", ["sgp_"], 400,
        r"\bsgp_[A-Za-z0-9]{64}\b"),
    rule!("shippo-token", "SHIPPO_TOKEN", "shipments through Shippo", ["shippo_"], 300,
        r"\bshippo_(?:live|test)_[a-fA-F0-9]{40}\b"),
    rule!("square-access-token", "SQUARE_TOKEN", "payments with Square", ["eaaa"], 380,
        r"\bEAAA[A-Za-z0-9_-]{56,64}\b"),
    rule!("stackhawk-key", "STACKHAWK_KEY", "a StackHawk account", ["hawk."], 350,
        r"\bhawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}\b"),
    rule!("teamcity-token", "TEAMCITY_TOKEN", "a TeamCity server", ["eyj0exaioiaivenwmij9"], 350,
        r"\beyJ0eXAiOiAiVENWMiJ9\.[A-Za-z0-9_-]{30,60}\.[A-Za-z0-9_-]{40,60}"),
    rule!("teamwork-token", "TEAMWORK_TOKEN", "a Teamwork account", ["tkn.v1_"], 350,
        r"\btkn\.v1_[A-Za-z0-9+/_-]{60,90}={0,2}"),
    rule!("telnyx-key", "TELNYX_KEY", "calls and messages through Telnyx", ["key0", "telnyx"], 380,
        r"\bKEY0[A-Za-z0-9]{19,49}_[A-Za-z0-9_-]{20,26}\b|(?i:telnyx)[^\n]{0,24}?(KEY[A-Za-z0-9_-]{50,60})\b"),
    rule!("thingsboard-secret", "THINGSBOARD_KEY", "devices of a ThingsBoard server", ["thingsboard"], 300,
        r"(?i:thingsboard)[^\n]{0,60}?/api/v1/([A-Za-z0-9]{20})/", None, Some(looks_random)),
    rule!("trello-token", "TRELLO_TOKEN", "a Trello account", ["atta"], 320,
        r"\bATTA[a-f0-9]{64,72}\b"),
    rule!("truenas-key", "TRUENAS_KEY", "a TrueNAS server", ["truenas", "auth.login_with_api_key", "bearer"], 380,
        r"\b[0-9]{1,3}-[A-Za-z0-9]{64}\b"),
    rule!("twitter-bearer-token", "TWITTER_TOKEN", "an application on X", ["aaaaaaaaaaaaaaaaaaaa"], 380,
        r"\bA{20,22}[A-Za-z0-9%]{60,120}"),
    rule!("typeform-token", "TYPEFORM_TOKEN", "a Typeform account", ["tfp_"], 350,
        r"\btfp_[A-Za-z0-9_.=-]{40,64}"),
    rule!("voiceflow-key", "VOICEFLOW_KEY", "a Voiceflow project", ["vf."], 320,
        r"\bVF\.(?:DM\.|WS\.)?[a-fA-F0-9]{24}\.[A-Za-z0-9]{16}\b"),
    rule!("model-provider-key", "MODEL_PROVIDER_KEY", "the models or tools of the provider that the prefix names", ["sk-or-v1-", "nvapi-", "csk-", "pcsk_", "r8_", "lsv2_", "sk-lf-", "tvly-", "fc-", "jina_", "fw_", "sk_", "sk-helicone-", "e2b_", "ctx7sk-", "fal-", "exa-", "sk-kimi-", "voyage", "pa-"], 350,
        r"\b(?:sk-or-v1-[a-f0-9]{64}|nvapi-[A-Za-z0-9_-]{60,72}|csk-[a-z0-9]{40,56}|pcsk_[A-Za-z0-9_]{40,90}|r8_[A-Za-z0-9]{37}|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|sk-lf-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}|tvly-(?:dev-|prod-)?[A-Za-z0-9-]{28,44}|fc-[a-f0-9]{32}|jina_[A-Za-z0-9_-]{50,64}|fw_[A-Za-z0-9]{22,26}|sk_[a-f0-9]{48}|sk-helicone-[a-z0-9-]{24,60}|e2b_[a-f0-9]{40}|ctx7sk-[a-f0-9-]{36}|sk-kimi-[A-Za-z0-9]{40,80}|pa-[A-Za-z0-9_-]{43})\b"),
    rule!("url-credential", "URL_CREDENTIAL", "the server that the URL names", ["://"], 200,
        r#"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@"'<>{}$()\[\]|`]{0,64}:([^\s/@"'<>{}\[\]|`,;]{4,100})@[A-Za-z0-9_\[][^\s@]"#, None, Some(is_unusual_password)),
    rule!("url-parameter", "GENERIC_SECRET", "the service that the URL names", ["?key=", "&key=", "appid=", "app_id=", "code=", "hapikey=", "auth=", "pass=", "pw=", "sid="], 330,
        r"[?&](?i:key|app_?id|code|hapikey|auth|pass|pw|sid)=([A-Za-z0-9_%.~-]{16,200})", None, Some(looks_random)),
    rule!("connection-string", "GENERIC_PASSWORD", "the database or broker that the string names", ["password", "pwd"], 200,
        r#"(?i)\b(?:server|data source|host|hostname|address|addr|user id|uid|user|username|database|initial catalog|driver|dsn|provider|endpoint)\s{0,2}=[^;\n"']{1,100};(?:[^\n"']{0,300}?;)?\s{0,2}(?:password|pwd)\s{0,2}=\s{0,2}([^;"'\s&]{4,100})"#, None, Some(is_unusual_password)),
    rule!("curl-user", "GENERIC_PASSWORD", "the server that the command talks to", ["curl"], 200,
        r#"(?i)\bcurl\b(?:[^\n\\]|\\\n?){0,300}?\s(?:-u|--user|--proxy-user)(?:\s{0,3}|=)["']?[^\s:"'${}<>]{0,64}["']?:["']?([^\s"'${}<>]{6,200})"#, None, Some(is_unusual_password)),
    rule!("command-option", "GENERIC_SECRET", "what the command talks to", ["--pass", "--token", "--secret", "--api", "--auth", "--access", "--key"], 270,
        r#"(?i)\s--?(?:api-?key|key|token|secret|(?:auth|access|api)-?token|secret-?key|password|passwd|pass)(?:\s{1,2}|=)["']?([^\s"'$<>{}()\[\]]{8,200})"#, None, Some(looks_chosen)),
    rule!("login-command", "GENERIC_PASSWORD", "the account that the command names", ["identified", "sshpass", "convertto-securestring", "networkcredential", "with password", "encrypted password", "-p", "set password"], 230,
        r#"(?i)(?:\bidentified\s+(?:with\s+\w{1,40}\s+)?by|\bsshpass\s+-p|\bconvertto-securestring(?:\s+-string)?|\bnetworkcredential\s{0,2}\([^,()\n]{1,80},|\bwith\s+(?:encrypted\s+)?password|\bset\s+password\s{0,2}=|\bmysql\w{0,12}\b[^\n]{0,80}\s-p|\bpsexec\b[^\n]{0,120}\s-p\s)\s{0,2}["']?([^\s"'$<>{}()%]{6,64})"#, None, Some(looks_chosen)),
    rule!("login-option", "GENERIC_PASSWORD", "the account that the command names", ["docker", "redis-cli", "ldap", "pass:"], 230,
        r#"(?:\b(?:docker login|redis-cli|ldap[a-z]{2,8})\b[ !-%'-:<-{}~]{0,120} -[paw] |-pass(?:in|out)? pass:)["']?([!#%-&*-;=?-Z\\^-z|~]{6,64})"#, None, Some(looks_chosen)),
    rule!("authorization-header", "GENERIC_SECRET", "what the header's receiver grants", ["bearer", "authorization", "-key", "-token"], 330,
        r#"(?i)(?:\bauthorization["']?\s{0,3}[:=,]?\s{0,3}["'\[]{0,2}(?:bearer|token|basic|api-?key|key|ssws|splunk|client-id)|\bbearer|\b(?:x-)?(?:[a-z]{2,16}-)?(?:api|auth|access|private)-?(?:key|token)["']?\s{0,2}[:,])[\s:=]{0,3}["']?([A-Za-z0-9+/_.=~-]{16,800})"#, None, Some(looks_random)),
    rule!("wordpress-salt", "GENERIC_SECRET", "the sessions of a WordPress site", ["_key", "_salt"], 400,
        r#"(?i)\bdefine\(\s{0,3}['"](?:auth|secure_auth|logged_in|nonce)_(?:key|salt)['"]\s{0,3},\s{0,12}['"]([^'"\n]{40,100})['"]"#),
    rule!("seed-phrase", "SEED_PHRASE", "a wallet of a cryptocurrency", ["mnemonic", "seed phrase", "seed_phrase", "seedphrase", "recovery phrase"], 250,
        r#"(?i)(?:mnemonic|seed[ _]?phrase|recovery phrase)[\w ]{0,16}["']?\s{0,3}(?:is\s)?[:=]{0,2}\s{0,3}["'`]?((?:[a-z]{3,8} ){11}(?:(?:[a-z]{3,8} ){3}){0,4}[a-z]{3,8})\b"#),
    rule!("assigned-password", "GENERIC_PASSWORD", "what the value's name says", ["pass", "pwd", "pw", "pswd", "masterauth", "contrase", "senha", "kennwort", "hasło", "wachtwoord", "ароль", "АРОЛЬ", "密码", "密碼", "パスワード", "비밀번호"], 270,
        concat!(r#"(?i)(?:\b(?:passwd|requirepass|masterauth)\x20{1,2}|(?:(?:passwd|password|passphrase|passwort|passwrd|pswd|pwd|[_-]pass|kennwort|contrase[nñ]a|senha|wachtwoord)(?:\w{1,12})?|\b(?:db|user|root|admin|mail|smtp|ftp|ssh|sql|mysql|pg|redis|auth|login|http|proxy)(?:pass|pw)|mot de passe|has(?-i:ł)o|(?-i:[Пп]ароль|ПАРОЛЬ)|密[码碼]|パスワード|비밀번호)["'`\]]{0,2}(?:\t|\s(?:lautet|es|est)\s|\s{0,3}"#, assign!(), r"\s{0,3}|", value!(), r#")|\b(?:pass|pw)(?:["'`]\s{0,3}:|["'`]?\s{0,2}=)\s{0,3})"#, quote!(), r#"([^\s"'`<>{}\[\],;|，。；]{8,64})"#), None, Some(looks_chosen)),
    rule!("assigned-secret", "GENERIC_SECRET", "what the value's name says", ["key", "token", "secret", "auth", "credential", "password", "passwd", "webhook", "private"], 330,
        concat!(r#"(?i)(?:api|auth|secret|access|private|client|signing|encryption|service|account|master|token|credential|bearer|refresh|consumer|webhook|license|jwt|hmac|password|passwd)[\w.-]{0,24}["'`\])]{0,3}(?:\s{0,3}"#, assign!(), r"\s{0,3}|", value!(), ")", quote!(), r"([A-Za-z0-9+/_.=~!-]{16,200})"), None, Some(looks_random)),
    rule!("quoted-secret", "GENERIC_SECRET", "what the value's name says", ["secret", "salt", "signing", "encryption", "session", "cookie"], 380,
        r#"(?i)(?:secret|salt|signing|encryption|session|cookie)\w{0,16}["'`\])]{0,3}\s{0,3}(?:=|:|=>|,)\s{0,3}["']([^"'\s<>{}]{24,100})["']"#, None, Some(looks_chosen)),
    rule!("named-vendor-key", "VENDOR_KEY", "the service that the name names", ["key", "token", "secret", "_pat", "access", "private"], 320,
        concat!(r#"(?i)\b[a-z][a-z0-9]{2,30}[_ .-]{0,2}(?:(?:api|secret|access|private|auth)[_ -]{0,2}){0,2}(?:key|token|secret|pat|access|private)["']?(?:\s{0,2}"#, assign!(), r"\s{0,2}|\s{1,4}|[.-])", quote!(), "([A-Za-z0-9+/_.=-]{20,200})"), None, Some(looks_random)),
    service_rule!("known-service-key", "VENDOR_KEY", "the service that the name names", 320,
        ["adafruit", "adobe", "airtable", "algolia", "amplitude", "asana", "atlassian", "auth0", "azure_devops", "bitbucket", "bitly", "cloudant", "cloudflare", "cloudsmith", "codeclimate", "codecov", "cohere", "coinbase", "confluence", "confluent", "contentful", "coveralls", "datadog", "dd_api", "dd_app", "deepgram", "deepl", "disqus", "dropbox", "elevenlabs", "etsy", "facebook", "fastly", "finnhub", "flickr", "freshbooks", "giphy", "gitter", "heroku", "hubspot", "infura", "intercom", "jenkins", "jira", "kraken", "kucoin", "linkedin", "looker", "mailchimp", "mailgun", "mailjet", "mapbox", "mattermost", "meraki", "messagebird", "mistral", "mixpanel", "newrelic", "nytimes", "okta", "openweather", "opsgenie", "pagerduty", "particle", "postmark", "pusher", "rollbar", "saucelabs", "scaleway", "sendbird", "sentry", "shodan", "snyk", "softlayer", "sonar", "sourcegraph", "spotify", "splunk", "squarespace", "statuspage", "sumologic", "thingsboard", "travis", "trello", "twitch", "twitter", "virustotal", "vonage", "wakatime", "wandb", "yandex", "zendesk", "zoom"],
        r#"[\w .-]{0,24}["'`\])]{0,3}\s{0,3}"#, r#"\s{0,3}["'`]{0,2}([A-Za-z0-9+/_=-]{20,120})"#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_compiles_with_room_for_the_fast_engine() {
        for rule in &RULES {
            LazyLock::force(&rule.pattern);
        }
    }
}
