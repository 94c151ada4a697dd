"""Imports a good part of the standard library, and uses some of it."""
import asyncio
import concurrent.futures
import decimal
import difflib
import email.mime.multipart
import html.parser
import http.client
import inspect
import logging.config
import multiprocessing
import pydoc
import sqlite3
import unittest
import xml.dom.minidom

logging.config.dictConfig({"version": 1})
inspect.getsource(pydoc)
xml.dom.minidom.parseString("<a>" + "<b c='d'>text</b>" * 2000 + "</a>")
list(difflib.unified_diff([str(i) for i in range(2000)], [str(i * 3) for i in range(2000)]))
sqlite3.connect(":memory:").execute("create table t (a, b)")
