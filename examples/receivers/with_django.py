"""Receives Pingbacks with Django: the view, and its line for a project's `urlpatterns`.

Django refuses bodies above `DATA_UPLOAD_MAX_MEMORY_SIZE`, 2.5 MB unless set. A status can have
8 MB, and three times as much once it is urlencoded.
"""

import os

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from transloadit_client import pingback


@csrf_exempt  # the signature takes the place of Django's token, which the API cannot have
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    try:
        status = pingback.verify_request(request, os.environ["TRANSLOADIT_SECRET"])
    except pingback.PingbackError as error:
        return HttpResponse(str(error), status=403)
    # What takes long is for a queue: the API waits for the answer, and sends again without a 200.
    print(f"Assembly {status.assembly_id}: {status.error if status.failed else status.ok}")
    return HttpResponse("thank you")


urlpatterns = [path("pingback", receive)]
