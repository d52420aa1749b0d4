"""The roles that an account may have; what a role may do is for the rules to say."""

from typing import Final

# In the order that pages list them.
CARE: Final = ("doctor", "nurse", "pharmacist", "technician")
DESK: Final = ("registrar", "cashier", "clerk")
PUBLIC_HEALTH: Final = ("epidemiologist", "statistician")
OVERSIGHT: Final = ("security_officer", "auditor")
ADMINISTRATOR: Final = "administrator"

STAFF_ROLES: Final = (*CARE, *DESK, *PUBLIC_HEALTH, *OVERSIGHT, ADMINISTRATOR)
CITIZEN: Final = "citizen"
