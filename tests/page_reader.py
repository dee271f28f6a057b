"""A page as a reader of HTML sees it."""
import re
from html.parser import HTMLParser

VOID = {'meta', 'br', 'img', 'hr'}


class Page(HTMLParser):
    """The elements of a page, ``[(name, attributes)]``, and its text; unbalanced tags are an AssertionError."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.source = text
        self.feed(text)
        self.close()
        assert not self._open, f'never closed: {self._open}'

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open and self._open[-1] == tag, f'</{tag}> closes {self._open[-1:]}'
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] != 'style':
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r'[ \n]+', ' ', ' '.join(self.texts))

    def all(self, name, **attributes):
        """The attributes of all elements of a name that have these attributes."""
        return [own for tag, own in self.elements if tag == name and attributes.items() <= own.items()]

    def fetched(self):
        """Whatever a browser would load to show the page, but for what lies in the page itself."""
        loaded = [own[key] for tag, own in self.elements for key in ('src', 'href', 'srcset', 'data', 'poster', 'action')
                  if key in own and tag != 'a' and not own[key].startswith('data:image/png;base64,')]
        loaded += [tag for tag, _ in self.elements if tag in ('script', 'link', 'iframe', 'object', 'embed', 'base', 'form')]
        return loaded + re.findall(r'url\([^)]*\)|@import[^;]*', self.source)
