"""Pages and problem documents that say what went wrong and where to turn: no database, no session, no static files.

Their name and address are SYSTEM_NAME and SUPPORT_EMAIL as this process knows them; without a database, as it last did.
"""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from configuration.declared import SUPPORT_EMAIL, SYSTEM_NAME
from whitecross.accounts.answers import is_for_api, problem, wants_data

logger = logging.getLogger(__name__)

SENTENCES = {
    400: "The request could not be read. Go back and try again.",
    403: "This is not open to you.",
    404: "There is nothing at this address.",
    500: "Something failed on our side, and nothing was saved. Try again in a moment.",
}


def answer(
    request: HttpRequest, status: int, *, sentence: str | None = None, template: str | None = None, **facts: Any
) -> HttpResponseBase:
    """A page for browsers, a problem document (RFC 9457) for programs. Never cached.

    `sentence` is what the document says, and the page where it has a place for it; `facts` are for the page.
    """
    response: HttpResponseBase
    if is_for_api(request) or wants_data(request):
        response = problem(status, sentence or SENTENCES[status])
    else:
        context = {"method": request.method, "status": status, "sentence": sentence, **who(), **facts}
        response = HttpResponse(render_to_string(template or f"{status}.html", context), status=status)
    response["Cache-Control"] = "no-store"
    return response


def who() -> dict[str, str]:
    """The system's name and the address for help. Never raises: the page of an error must not fail itself."""
    try:
        return {"system_name": SYSTEM_NAME.get(), "support_email": SUPPORT_EMAIL.get()}
    except Exception as error:
        logger.error("An error page has to do with the declared name and address: %s.", type(error).__name__)  # noqa: TRY400
        return {"system_name": SYSTEM_NAME.default, "support_email": SUPPORT_EMAIL.default}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """400; 413 for what is too large."""
    if isinstance(exception, RequestDataTooBig):
        return answer(request, 413, sentence=getattr(exception, "sentence", "What you sent is too large."))
    return answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """403."""
    return answer(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 for a form that was not sent by a page of this site, or by one from before the last sign-in."""
    return answer(request, 403, template="403_csrf.html", sentence="The token against forged requests is missing.")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """404."""
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500."""
    return answer(request, 500)
