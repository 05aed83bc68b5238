"""The addresses of the API."""

from django.urls import include, path, re_path

from core.api.document import BrowsableView, DocumentView
from core.api.views import NothingThere
from whitecross.api.sign_in import Login, Logout, LogoutAll

urlpatterns = [
    path("auth/login", Login.as_view(), name="api_login"),
    path("auth/logout", Logout.as_view()),
    path("auth/logoutall", LogoutAll.as_view()),
    path("schema", DocumentView.as_view(), name="schema"),
    path("docs", BrowsableView.as_view(url_name="schema")),
    path("", include("configuration.api.urls")),
    re_path(r"^", NothingThere.as_view()),
]
