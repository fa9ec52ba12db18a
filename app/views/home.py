"""Home: what waits for me, how far my unit is, deadlines and notices."""

from flask import redirect, url_for
from flask_appbuilder import IndexView
from flask_appbuilder.baseviews import expose

from app.access.scope import actor_or_none


class HomeView(IndexView):
    """The page after sign-in."""

    @expose("/")
    def index(self):  # type: ignore[no-untyped-def]
        self.update_redirect()
        if actor_or_none() is None:
            return redirect(url_for("SignInView.login"))
        return self.render_template("appbuilder/index.html", appbuilder=self.appbuilder)
