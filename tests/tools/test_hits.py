"""What people and models ask for is among the first three hits."""

from __future__ import annotations

from typing import Any

import pytest

from onehop.tools import Catalogue, Policy, Tool, Tools
from onehop.tools._discovery import Discovery

pytestmark = pytest.mark.unit

FIRST = 3

TOOLS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "github": {
        "create_issue": (
            "Create a new issue in a GitHub repository",
            {"owner": "Repository owner", "repo": "Repository name", "title": "Issue title"}),
        "list_issues": (
            "List issues in a GitHub repository with filtering options",
            {"owner": "", "repo": "", "state": "open, closed or all", "labels": ""}),
        "create_pull_request": (
            "Create a new pull request in a GitHub repository",
            {"title": "", "head": "Branch with the changes", "base": "Branch to merge into"}),
        "merge_pull_request": ("Merge a pull request", {"pull_number": "", "merge_method": ""}),
        "search_code": ("Search for code across GitHub repositories", {"q": "Query"}),
        "get_file_contents": (
            "Get the contents of a file or directory from a GitHub repository",
            {"path": "", "branch": ""}),
        "fork_repository": ("Fork a GitHub repository to your account", {"organization": ""}),
    },
    "slack": {
        "slack_post_message": (
            "Post a new message to a Slack channel", {"channel_id": "", "text": ""}),
        "slack_list_channels": (
            "List public channels in the workspace with pagination", {"limit": "", "cursor": ""}),
        "slack_get_users": ("Get a list of all users in the workspace with their profiles", {}),
        "slack_add_reaction": ("Add a reaction emoji to a message", {"reaction": "", "ts": ""}),
    },
    "filesystem": {
        "read_text_file": (
            "Read the complete contents of a file as text.",
            {"path": "", "head": "First lines", "tail": "Last lines"}),
        "write_file": ("Create a new file or completely overwrite an existing file", {"path": ""}),
        "list_directory": ("Get a detailed listing of all files and directories", {"path": ""}),
        "move_file": ("Move or rename files and directories", {"source": "", "destination": ""}),
        "search_files": (
            "Recursively search for files matching a pattern", {"pattern": "A glob, as in *.ts"}),
    },
    "stripe": {
        "createRefund": ("Refunds a charge", {"charge": "", "amount": "In cents"}),
        "listInvoices": ("Lists invoices of a customer", {"customer": "", "status": ""}),
        "retrieveBalance": ("Retrieves the current account balance", {}),
        "cancelSubscription": ("Cancels a subscription of a customer", {"subscription": ""}),
        "createCustomer": ("Creates a customer", {"name": "", "email": "Address for receipts"}),
    },
    "calendar": {
        "create-event": (
            "Creates an event in a calendar", {"attendees": "Addresses to invite", "start": ""}),
        "list-events": ("Events between two times", {"timeMin": "", "timeMax": ""}),
        "get-freebusy": ("Shows when people are free or busy", {"calendars": ""}),
    },
    "weather": {
        "get_forecast": ("Weather forecast for a location", {"latitude": "", "longitude": ""}),
        "get_alerts": ("Get weather alerts for a US state", {"state": "Two letters"}),
    },
    "db": {
        "query": ("Run a read-only SQL query", {"sql": ""}),
        "describe_table": ("Columns of a table, with their types", {"table_name": ""}),
    },
    "time": {
        "convert_time": (
            "Convert time between timezones", {"source_timezone": "", "target_timezone": ""}),
        "get_current_time": ("Get current time in a specific timezone", {"timezone": ""}),
    },
    "gmail": {
        "send_email": ("Sends a new email", {"to": "", "subject": "", "body": ""}),
        "search_emails": ("Searches for emails using Gmail search syntax", {"query": ""}),
        "delete_email": ("Permanently deletes an email", {"messageId": ""}),
    },
    "translator": {"translate_text": ("Translates text", {"target_lang": "ISO language code"})},
}  # fmt: skip

QUERIES = [
    ("open a bug ticket", "github.create_issue"),
    ("create an issue", "github.create_issue"),
    ("which issues are open in the repo", "github.list_issues"),
    ("open a PR for my branch: pull request", "github.create_pull_request"),
    ("merging a pull request", "github.merge_pull_request"),
    ("grep code in repositories", "github.search_code"),
    ("fork repo", "github.fork_repository"),
    ("send a message to a channel", "slack.slack_post_message"),
    ("slack users", "slack.slack_get_users"),
    ("all channels of the workspace", "slack.slack_list_channels"),
    ("react with an emoji", "slack.slack_add_reaction"),
    ("read a file", "filesystem.read_text_file"),
    ("rename a file", "filesystem.move_file"),
    ("files in a folder", "filesystem.list_directory"),
    ("find files by glob pattern", "filesystem.search_files"),
    ("overwrite a file", "filesystem.write_file"),
    ("give the customer the money back: refund", "stripe.createRefund"),
    ("refunding charges", "stripe.createRefund"),
    ("unpaid invoices of a customer", "stripe.listInvoices"),
    ("how much balance do we have in the account", "stripe.retrieveBalance"),
    ("stop a subscription", "stripe.cancelSubscription"),
    ("add new customer", "stripe.createCustomer"),
    ("schedule a meeting and invite people", "calendar.create-event"),
    ("what events are there this week", "calendar.list-events"),
    ("who is free on Monday", "calendar.get-freebusy"),
    ("weather tomorrow", "weather.get_forecast"),
    ("storm alert", "weather.get_alerts"),
    ("run SQL", "db.query"),
    ("columns of a table", "db.describe_table"),
    ("convert between time zones", "time.convert_time"),
    ("what time is it now, the current time", "time.get_current_time"),
    ("email somebody", "gmail.send_email"),
    ("search my mail", "gmail.search_emails"),
    ("remove an email", "gmail.delete_email"),
    ("translation to another language", "translator.translate_text"),
    ("createRefund", "stripe.createRefund"),
    ("get-freebusy", "calendar.get-freebusy"),
    ("listIssues", "github.list_issues"),
    ("attendees", "calendar.create-event"),
    ("trans", "translator.translate_text"),
]


def _call(**arguments: Any) -> None:
    raise AssertionError("nobody calls it")


def _tool(name: str, words: str, parameters: dict[str, str]) -> Tool:
    properties = {key: {"type": "string", "description": of} for key, of in parameters.items()}
    return Tool(name, _call, words, {"type": "object", "properties": properties}, effect="read")


@pytest.fixture(scope="module")
def discovery() -> Discovery:
    spaces = {
        space: [_tool(name, *about) for name, about in tools.items()]
        for space, tools in TOOLS.items()
    }
    return Discovery(Catalogue.of(Tools(**spaces)), Policy([]))


@pytest.mark.parametrize(("query", "path"), QUERIES)
def test_the_right_tool_is_among_the_first_three(
    discovery: Discovery, query: str, path: str
) -> None:
    assert path in [hit["path"] for hit in discovery.search(query, limit=FIRST)]


def test_most_of_them_come_first(discovery: Discovery) -> None:
    first = [discovery.search(query, limit=1)[0]["path"] == path for query, path in QUERIES]
    assert sum(first) >= 0.85 * len(QUERIES)
