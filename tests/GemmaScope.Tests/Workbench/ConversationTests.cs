using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class ConversationTests : IDisposable
{
    private static readonly GenerationOptions Short = new() { Temperature = 0, MaxNewTokens = 6 };

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Model("demo-it"));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void what_was_said_may_be_read_anew()
    {
        using var first = new Conversation(_model, Short, "Be brief.");
        Say(first, "Hello");
        using var again = new Conversation(_model, Short);
        again.Reset(first.Messages);
        Assert.Equal(Say(first, "Why?"), Say(again, "Why?"));
        Assert.Equal(ResultJson.Line(first.Result), ResultJson.Line(again.Result));
        Assert.Equal(["system", "user", "assistant", "user", "assistant"], again.Result.Messages.Select(message => message.Role));
    }

    [Fact]
    public void an_answer_that_nobody_reads_to_its_end_counts_as_far_as_it_came()
    {
        using var conversation = new Conversation(_model, Short);
        var answer = conversation.Say("Hello", TestContext.Current.CancellationToken);
        answer.Next();
        answer.Next();
        Say(conversation, "Why?");
        Assert.Equal(StopReason.Interrupted, answer.StoppedBy);
        Assert.Equal(4, conversation.Messages.Count);
        Assert.Equal(answer.Text, conversation.Result.Messages[1].Content);
    }

    [Fact]
    public void what_does_not_fit_leaves_the_conversation_as_it_was()
    {
        using var conversation = new Conversation(_model, Short);
        Say(conversation, "Hello");
        var before = ResultJson.Line(conversation.Result);
        Assert.Throws<ContextLengthException>(() => conversation.Say(string.Concat(Enumerable.Repeat("word ", 600))));
        Assert.Throws<ArgumentProblemException>(() => conversation.Say("Why?", Short with { TopP = 0 }, []));
        Assert.Equal(before, ResultJson.Line(conversation.Result));
        Say(conversation, "Why?");
    }

    [Theory]
    // Turns that stay as they were are read once; one that hides what was said before has all read anew.
    [InlineData(
        "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>assistant{{ '\\n' }}",
        true
    )]
    [InlineData(
        "{{ bos_token }}{{ messages | length }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>assistant{{ '\\n' }}",
        false
    )]
    public void a_models_own_template_is_read_as_it_writes_the_whole_conversation(string template, bool goesOn)
    {
        using var folder = TemporaryFolder.CopyOf(Fixtures.Model("demo-it"));
        folder.Write("chat_template.jinja", template);
        using var model = GemmaModel.Load(folder.Path);
        var sampling = Short with { MaxNewTokens = 1 };
        using var conversation = new Conversation(model, sampling, "Be brief.");
        var first = Say(conversation, "Hello");
        var second = Say(conversation, "Why?");
        var text = model.ChatTemplate.Render(
            [new("system", "Be brief."), new("user", "Hello"), new("assistant", first), new("user", "Why?")],
            true
        );
        var prompt = model.Tokenizer.Encode(text["<bos>".Length..], addBos: true);
        var anew = model.Generate(prompt, sampling with { StopTokens = ChatTuning.StopTokens(model) }).ToArray();
        Assert.Equal(second, model.Tokenizer.Decode(anew));
        Assert.Equal(goesOn, conversation.AddedTokens < prompt.Length);
    }

    [Fact]
    public void texts_that_end_an_answer_are_found_however_it_is_cut_into_pieces()
    {
        var random = new Random(2);
        string[] stops = ["ab", "abba", "ccc", "b😀"];
        for (var round = 0; round < 2000; round++)
        {
            string[] pieces = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => Piece(random))];
            var whole = string.Concat(pieces);
            var sequences = new StopSequences(stops);
            var shown = string.Concat(pieces.Select(sequences.Take)) + sequences.Rest();
            var first = stops.Select(stop => whole.IndexOf(stop, StringComparison.Ordinal)).Where(place => place >= 0).Append(whole.Length);
            Assert.Equal(whole[..first.Min()], shown);
            Assert.Equal(shown.Length < whole.Length, sequences.IsHit);
        }
        Assert.Equal("all", new StopSequences([""]).Take("all"));
    }

    private static string Piece(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(0, 4)).Select(_ => random.GetItems(["a", "b", "c", "😀"], 1)[0]));

    private static string Say(Conversation conversation, string message)
    {
        using var answer = conversation.Say(message, TestContext.Current.CancellationToken);
        while (answer.Next() is not null) { }
        return answer.Text;
    }
}
