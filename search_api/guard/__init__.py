"""What stands between a network and the application: refusals, limits, answers' headers, the access log.

All of it is pure ASGI, in this order, the outermost first; what is cheap to refuse is refused first.
"""

from __future__ import annotations

from starlette.types import ASGIApp

from search_api.guard.admission import Admission
from search_api.guard.authentication import Authentication
from search_api.guard.bodies import Bodies
from search_api.guard.deadlines import Deadlines
from search_api.guard.exchanges import Exchanges
from search_api.guard.hosts import Hosts
from search_api.guard.limits import Limits
from search_api.guard.methods import Methods
from search_api.guard.metrics_page import MetricsPage
from search_api.guard.origins import Origins
from search_api.guard.rates import Rates
from search_api.guard.tracing import Tracing
from search_api.metrics.prometheus import process_recorder
from search_api.settings import ServiceSettings

__all__ = ["guarded"]


def guarded(app: ASGIApp, settings: ServiceSettings) -> ASGIApp:
    """The application, safe to expose. Figures are recorded from now on at the latest, and `/metrics` shows them."""
    guard: ASGIApp = MetricsPage(Methods(app), process_recorder())
    guard = Admission(guard, settings)
    guard = Deadlines(guard, settings.request_timeout)
    guard = Bodies(guard, settings)
    guard = Rates(guard, settings)
    guard = Authentication(guard, settings)
    guard = Origins(guard, settings.allowed_origins)
    guard = Hosts(guard, settings.allowed_hosts)
    guard = Limits(guard, settings)
    return Exchanges(Tracing(guard), settings)
