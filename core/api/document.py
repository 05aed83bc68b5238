"""The OpenAPI document itself, and as a page."""

from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from core.api.views import ApiView


class DocumentView(ApiView, SpectacularJSONAPIView):
    """This OpenAPI document."""

    authentication_classes = ()
    permission_classes = ()


class BrowsableView(SpectacularSwaggerView):
    """The document as a page. All that it loads comes from here."""

    http_method_names = ("get", "head")
    authentication_classes = ()
    permission_classes = ()
