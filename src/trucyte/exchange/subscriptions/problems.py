"""Why a subscription is not taken, or not told any more."""

from trucyte.base.problem import Kind, Problem


class SubscriptionRefused(Problem):
    """The Subscription cannot be followed: {element} is missing or not supported here."""

    code = "subscription-refused"


class TopicUnknown(Problem):
    """There is no such topic here; the CapabilityStatement lists those there are."""

    code = "subscription-topic"


class CreatorUnknown(Problem):
    """It cannot be told on whose behalf this Subscription asks; send it again by itself."""

    code = "subscription-creator"


class EndpointRefused(Problem):
    """The endpoint's address is not one this node may send to: {reason}."""

    kind = Kind.FORBIDDEN
    code = "subscription-endpoint"


class EndpointAway(Problem):
    """The endpoint did not take the notification: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "subscription-endpoint-away"


class BindingTokenUnknown(Problem):
    """The binding token is not known, or its time is over; ask for another."""

    kind = Kind.UNAUTHENTICATED
    code = "subscription-token"


class NotASocket(Problem):
    """This Subscription is not told by WebSocket."""

    code = "subscription-not-websocket"


class SubscriptionNotFollowed(Problem):
    """This Subscription is not followed yet; ask again in a moment."""

    kind = Kind.UNAVAILABLE
    code = "subscription-not-followed"


class EventsBadRange(Problem):
    """{parameter} is not a number of an event, or not a kind of content."""

    code = "subscription-range"
