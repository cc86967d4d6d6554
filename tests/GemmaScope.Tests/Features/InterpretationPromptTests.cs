using GemmaScope.Features.Interpretation;
using GemmaScope.Features.Statistics;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;
using Xunit;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace GemmaScope.Tests.Features;

/// <summary>What language models are shown, and what is read from their answers.</summary>
public class InterpretationPromptTests
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));
    private static readonly PassageWriter Writer = new(Tokenizer);

    [Fact]
    public void marks_stand_at_the_words_and_neighbours_share_them()
    {
        var ids = Tokenizer.Encode("The old cat sat there");
        var text = Writer.Write(ids, [.. ids.Select((_, i) => i is 1 or 2)]);
        Assert.Equal("The old cat sat there", text.Replace("<<", "").Replace(">>", ""));
        Assert.Single(text.Split("<<").Skip(1));
        Assert.DoesNotContain("<< ", text);
    }

    [Fact]
    public void whole_characters_are_shown_and_partly_marked_ones_as_bytes()
    {
        var ids = Tokenizer.Encode("so 😀 it");
        var first = Array.FindIndex(ids, id => Tokenizer.Piece(id) == "<0xF0>");
        Assert.Equal("so 😀 it", Writer.Write(ids));
        Assert.Contains("<<<0xF0>>><0x9F><0x98><0x80>", Writer.Write(ids, [.. ids.Select((_, i) => i == first)]));
        Assert.Equal("<0xF0><0x9F>", Writer.Write(ids[first..(first + 2)]));
        Assert.Equal("\"<0xF0>\"", Writer.Quoted(ids[first]));
        Assert.Equal("[?]", Writer.Write([-1]));
    }

    [Theory]
    [InlineData("end <end_of_turn> of", "end ‹end_of_turn› of")]
    [InlineData("a <|im_start|>system b", "a ‹|im_start|›system b")]
    [InlineData("a </s> b [INST] c [/INST]", "a ‹/s› b ‹INST› c ‹/INST›")]
    [InlineData("shift x << 2 >> 1", "shift x < < 2 > > 1")]
    [InlineData("<b>bold</b>\nline", "<b>bold</b>\\nline")]
    public void a_passage_can_neither_end_the_turn_nor_forge_marks(string text, string shown) =>
        Assert.Equal(shown, Writer.Write(Tokenizer.Encode(text)));

    [Theory]
    [InlineData("EXPLANATION: the detector reacts to names of rivers", "names of rivers")]
    [InlineData("Let me see.\n**Explanation:** \"names of rivers\"\n", "names of rivers")]
    [InlineData("<think>\nEXPLANATION: wrong\n</think>\nEXPLANATION: right", "right")]
    [InlineData("names of rivers", "names of rivers")]
    [InlineData("EXPLANATION: \"yes\" and \"no\"", "\"yes\" and \"no\"")]
    [InlineData("EXPLANATION: ** `\"yes\"` **", "yes")]
    [InlineData("EXPLANATION: the word \"yes\"", "the word \"yes\"")]
    [InlineData("one line\nand another", null)]
    [InlineData("EXPLANATION:", null)]
    [InlineData("<think>never ends", null)]
    [InlineData("\u0007 ?", null)]
    [InlineData(null, null)]
    public void an_explanation_is_read(string? answer, string? explanation) =>
        Assert.Equal(explanation, InterpretationPrompts.ReadExplanation(answer));

    [Fact]
    public void an_explanation_that_does_not_end_is_cut() =>
        Assert.Equal(InterpretationPrompts.LongestExplanation + 1, InterpretationPrompts.ReadExplanation(new string('x', 10_000))!.Length);

    [Theory]
    [InlineData("[1, 0, 1]", "101")]
    [InlineData("Sure! [0,0,1]\nThe answer is [ 1 ; 1 ; 0 ].", "110")]
    [InlineData("1. 1\n2. 0\n3. 0", "100")]
    [InlineData("<think>[1, 1, 1]</think> [0, 0, 0]", "000")]
    [InlineData("[1, 0]", "???")]
    [InlineData("[1, 0, 2]", "???")]
    [InlineData("1", "???")]
    [InlineData("I cannot tell.", "???")]
    [InlineData(null, "???")]
    public void decisions_are_read_or_all_counted_as_unreadable(string? answer, string decisions) =>
        Assert.Equal(
            decisions,
            string.Concat(
                InterpretationPrompts
                    .ReadDecisions(answer, 3)
                    .Select(decision =>
                        decision is { } yes
                            ? yes
                                ? '1'
                                : '0'
                            : '?'
                    )
            )
        );

    [Fact]
    public async Task a_model_is_shown_marked_windows_and_its_answers_become_scores()
    {
        var (planted, model) = (new PlantedFeatures(), new Scripted());
        var interpreter = new ChatInterpreter(new PassageWriter(planted.Tokenizer), new() { Shown = 3 });
        var said = await interpreter.ExplainAsync(model, planted.Evidence(PlantedFeatures.Tokens), TestContext.Current.CancellationToken);
        Assert.Equal("king or water", said);
        var passages = model.Asked.Single().Split('\n').Where(line => line.StartsWith('(')).ToArray();
        Assert.Equal(3, passages.Length);
        Assert.All(passages, line => Assert.Matches(@"^\(10\) .*<<(king|water)>>", line));
        Assert.All(passages, line => Assert.InRange(line.Split(' ').Length, 30, 34));
        Assert.Contains("\" the\", \" tree\"", model.Asked.Single());

        var questions = QuestionSet.Draw(planted.Activations, PlantedFeatures.Tokens, selection: false)!;
        Assert.Equal(41, interpreter.RequestsFor(questions, explain: true));
        var score = await interpreter.JudgeAsync(model, said!, questions, TestContext.Current.CancellationToken);
        Assert.Equal(41, model.Asked.Count);
        Assert.Equal((1.0, 1.0), (score.DetectionAccuracy, score.FuzzingAccuracy));
        Assert.Equal((50, 50), (score.Detection.Counts.TruePositives, score.Detection.Counts.TrueNegatives));
    }

    /// <summary>A judge that follows "king or water".</summary>
    private sealed class Scripted : IChatClient
    {
        public List<string> Asked { get; } = [];

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, Answer(messages.Single().Text))));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }

        private string Answer(string message)
        {
            lock (Asked)
                Asked.Add(message);
            if (!message.Contains("king or water", StringComparison.Ordinal))
                return "EXPLANATION: the detector reacts to king or water";
            var marked = message.Contains("marked with", StringComparison.Ordinal);
            var passages = message.Split('\n').Where(line => line.Length > 2 && char.IsAsciiDigit(line[0]) && line[1] == '.');
            var answers = passages.Select(line =>
                marked
                    ? line.Contains("<<king", StringComparison.Ordinal) || line.Contains("<<water", StringComparison.Ordinal)
                    : line.Contains("king", StringComparison.Ordinal) || line.Contains("water", StringComparison.Ordinal)
            );
            return $"[{string.Join(", ", answers.Select(yes => yes ? 1 : 0))}]";
        }
    }
}
