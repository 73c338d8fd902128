"""What the three programs share: their flags, and the client that the flags ask for."""

import sys
from argparse import ArgumentParser

try:
    from ximilar.client.search import (
        ImageMatchingSearchClient,
        SimilarityCustomClient,
        SimilarityFashionClient,
        SimilarityPhotosClient,
        SimilarityProductsClient,
    )
except ImportError:
    sys.exit("These programs use the client from PyPI: pip install -r requirements.txt")

HOST = "http://localhost:8080/"
TYPES = {
    "generic": (SimilarityPhotosClient, "similarity/photos/v2/"),
    "product": (SimilarityProductsClient, "similarity/products-new/v2/"),
    "fashion": (SimilarityFashionClient, "similarity/fashion-new/v2/"),
    "custom": (SimilarityCustomClient, "similarity/custom/v2/"),
    "matching": (ImageMatchingSearchClient, "image_matching/v2/"),
}


def flags(description):
    parser = ArgumentParser(description=description)
    parser.add_argument("--api_prefix", default="", help=f"base of the service, with .../v2/; default below {HOST}")
    parser.add_argument("--auth_token", required=True, help="a key: `lookalike keys create --scope write --plain`")
    parser.add_argument("--collection_id", required=True, help="the name of the collection")
    parser.add_argument("--type", default="generic", help=f"one of {', '.join(TYPES)}")
    return parser


def connect(options):
    """Return the client, once the service has answered it."""
    if options.type not in TYPES:
        raise ValueError(f"--type {options.type} is none of {', '.join(TYPES)}")
    kind, base = TYPES[options.type]
    endpoint = options.api_prefix or HOST + base
    # without a resource name the client asks nobody on the internet for permission
    client = kind(options.auth_token, options.collection_id, endpoint=endpoint, resource_name="")
    try:
        checked(client.ping())
    except OSError as error:
        sys.exit(f"{endpoint} does not answer ({type(error).__name__}). Start it with `lookalike serve`.")
    return client


def checked(answer):
    """Return an answer if it is one; end the program with the reason if not."""
    if answer is None or ("detail" in answer and "answer_records" not in answer):
        sys.exit(answer["detail"] if answer else "The service's answer is no JSON.")
    return answer
