using System.Net;
using GemmaScope.Text;
using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Text;

/// <summary>Nothing that a stranger writes hides in a page, a terminal or a log.</summary>
public class VisibleTextTests
{
    [Theory]
    [InlineData("plain ö 日本 😀 👨\u200d👩 שלום", "plain ö 日本 😀 👨\u200d👩 שלום")]
    [InlineData("\u001b[2J\u0007\0\u007f", "␛[2J␇␀␡")]
    [InlineData("a\u202eb\u2066c\u200fd", "a‹U+202E›b‹U+2066›c‹U+200F›d")]
    [InlineData("a\u0085b\u009bc\u2028d", "a‹U+0085›b‹U+009B›c‹U+2028›d")]
    [InlineData("a\u200bb\ufeffc\u00add", "a‹U+200B›b‹U+FEFF›c‹U+00AD›d")]
    [InlineData("a\udb40\udc41b", "a‹U+E0041›b")]
    [InlineData("a\tb\nc\rd", "a⇥b⏎c␍d")]
    public void what_is_hidden_is_shown_and_what_is_seen_stays(string text, string line)
    {
        Assert.Equal(line, VisibleText.Line(text));
        Assert.Equal(line.Replace("⇥", "⇥\t").Replace("⏎", "⏎\n"), VisibleText.Of(text));
        Assert.Equal(line.Replace("⇥", "\t").Replace("⏎", "\n").Replace("␍", "\r"), VisibleText.Lines(text));
        Assert.Equal(text == line, VisibleText.IsAllSeen(text));
        Assert.True(VisibleText.IsAllSeen(VisibleText.Line(text)));
    }

    [Fact]
    public void html_shows_it_wherever_a_text_stands_but_in_a_field_that_is_sent_back()
    {
        const string text = "a\u202eb\u0000c\nd";
        Assert.Equal(
            "<b title=\"a‹U+202E›b␀c\nd\">a‹U+202E›b␀c\nd</b>",
            WebUtility.HtmlDecode(Markup.Of($"<b title=\"{text}\">{text}</b>").ToString())
        );
        Assert.DoesNotContain("U+202E", WebUtility.HtmlDecode(Markup.Of($"<textarea>{HtmlText.Field(text)}</textarea>").ToString()));
    }
}
