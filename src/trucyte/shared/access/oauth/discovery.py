"""What the provider says of itself: OpenID Connect Discovery, RFC 8414, SMART App Launch.

Only what is really answered is listed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trucyte.shared.access.oauth.clients import ASSERTION
from trucyte.shared.access.oauth.proof import ALGORITHMS
from trucyte.shared.access.oauth.tokens import SIGNED_WITH, TAKEN_OF_CLIENTS

__all__ = ["ASSERTION", "metadata", "security", "smart_configuration"]

# What stands for all there is: whole types, and every granular scope within them.
SCOPES: Final = (
    "openid", "fhirUser", "launch", "launch/patient", "launch/encounter",
    "offline_access", "online_access",
    "patient/*.cruds", "user/*.cruds", "system/*.cruds",
    "patient/*.read", "user/*.read", "system/*.read",
)  # fmt: skip
CAPABILITIES: Final = (
    "launch-ehr",
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "sso-openid-connect",
)
_EXTENSION: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def metadata(issuer: str, scopes: Sequence[str] = SCOPES) -> Mapping[str, Any]:
    """Return the metadata of the provider (RFC 8414 §2, OpenID Connect Discovery §3)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "scopes_supported": list(scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SIGNED_WITH],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(TAKEN_OF_CLIENTS),
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(TAKEN_OF_CLIENTS),
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(TAKEN_OF_CLIENTS),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "fhirUser"],
        "ui_locales_supported": ["vi", "en"],
    }


def smart_configuration(issuer: str) -> Mapping[str, Any]:
    """Return what SMART App Launch 2.2 asks for at `.well-known/smart-configuration`."""
    told = metadata(issuer)
    names = (
        "issuer", "jwks_uri", "authorization_endpoint", "token_endpoint",
        "introspection_endpoint", "revocation_endpoint", "scopes_supported",
        "response_types_supported", "grant_types_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "code_challenge_methods_supported",
    )  # fmt: skip
    return {**{name: told[name] for name in names}, "capabilities": list(CAPABILITIES)}


def security(issuer: str) -> Mapping[str, Any]:
    """Return `rest.security` of the CapabilityStatement, as SMART's first clients read it."""
    places = (("authorize", "authorize"), ("token", "token"), ("introspect", "introspect"),
              ("revoke", "revoke"))  # fmt: skip
    return {
        "cors": False,
        "service": [
            {
                "coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}],
                "text": "OAuth 2.1 with SMART App Launch 2",
            }
        ],
        "extension": [
            {
                "url": _EXTENSION,
                "extension": [
                    {"url": name, "valueUri": f"{issuer}/oauth/{path}"} for name, path in places
                ],
            }
        ],
    }
