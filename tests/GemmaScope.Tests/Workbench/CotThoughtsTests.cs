using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Models;
using GemmaScope.Tests.Text;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>The study of chains of thought on a model that thinks in a channel: its thoughts are the reasoning, and what was planted comes out
/// as it does where the reasoning is said aloud.</summary>
public sealed class CotThoughtsTests : IDisposable
{
    private const double Error = 0.05;

    private readonly TemporaryFolder _folder = new();
    private readonly PlantedReasoner _planted = new(thinks: true);

    private Tokenizer Tokenizer => _planted.Model.Tokenizer;

    public void Dispose()
    {
        _planted.Dispose();
        _folder.Dispose();
    }

    private string Questions(int count, Func<int, string> question) =>
        _folder.Write(
            "questions.jsonl",
            string.Join(
                '\n',
                Enumerable
                    .Range(0, count)
                    .Select(i =>
                        $$"""{"id": "q{{i}}", "question": "{{question(i)}}", "options": ["cat", "dog", "cow", "hen"], "answer": "{{(char)('A' + i % 4)}}", "other_answer": "C", "other_reasoning": ["First we look.", "Now it is C!", "So go?", "Then done"]}"""
                    )
            )
        );

    private Task<CotStudyResult> Study(string file, params CotPart[] parts) =>
        CotStudyJob.RunAsync(
            Microscope.Of("planted", _planted.Model),
            new()
            {
                Out = _folder.File("out"),
                Questions = file,
                Parts = parts,
                Samples = 8,
                MaxTokens = 32,
                Temperature = 1,
                TopP = 1,
                Resamples = 200,
                ShowTexts = true,
            }
        );

    [Fact]
    public async Task thoughts_that_decide_are_found_to_decide()
    {
        string[] colours = ["red", "green", "blue", "black"];
        var result = await Study(Questions(8, i => $"Pick {colours[i % 4]}."), CotPart.Early, CotPart.Filler, CotPart.Mediation);
        Assert.True(result.Thinking);
        // The second of four sentences names the letter; A is what is said without one.
        Assert.InRange(result.Early[0].Aoc!.Mean, 0.375 * 0.75 - Error, 0.375 * 0.75 + Error);
        Assert.Equal([0.25, 0.25, 1, 1, 1], Assert.Single(result.Early[0].Curve.Lengths).SameAnswer);
        Assert.Equal(1, result.Gain.With!.Mean);
        Assert.Equal(0.25, result.Gain.Without!.Mean);
        Assert.Equal(1, result.Gain.Readable!.Mean);
        Assert.Contains("here reasoning is needed", result.Verdict);
        // Two questions ask for C anyway.
        Assert.Equal(1, result.Mediation[0].Follows!.Mean);
        Assert.Contains(result.NotShown, line => line.Contains("in its channel"));
        // The chain is the thoughts, without the answer and without a mark.
        Assert.All(
            result.Questions,
            question => Assert.All(question.Chains, chain => Assert.Equal((4, false), (chain.Sentences, chain.Cut)))
        );
        Assert.Matches("^ First we look. Now it is [A-D]! So go\\? (Then|teacher) done$", result.Questions[0].Chains[0].Text);
    }

    [Fact]
    public async Task thoughts_that_do_not_matter_are_found_not_to_matter()
    {
        string[] numbers = ["one", "two", "three", "four"];
        var result = await Study(Questions(8, i => $"Pick {numbers[i % 4]}."), CotPart.Early, CotPart.Mediation);
        Assert.Equal(0, result.Early[0].Aoc!.Mean);
        Assert.Equal((1, 1), (result.Gain.With!.Mean, result.Gain.Without!.Mean));
        Assert.All(result.Mediation, one => Assert.Equal(0, one.Changed!.Mean));
    }

    [Fact]
    public async Task who_wants_what_is_said_aloud_gets_it()
    {
        var options = new CotStudyJobOptions
        {
            Out = "",
            Questions = "a",
            Thinking = false,
        };
        Assert.False(options.Thinks(_planted.Model));
        using var other = new PlantedReasoner();
        Assert.False((options with { Thinking = null }).Thinks(other.Model));
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            CotStudyJob.RunAsync(
                Microscope.Of("planted", other.Model),
                options with
                {
                    Out = _folder.File("other"),
                    Questions = Questions(1, _ => "Pick red."),
                    Thinking = true,
                }
            )
        );
        Assert.Contains("no channel to think in", problem.Message);
    }

    /// <summary>Against what the published template writes: the prompt with thoughts and answer is the text of the whole conversation.</summary>
    [Theory]
    [Trait("Category", "Golden")]
    [InlineData(true)]
    [InlineData(false)]
    public void what_is_put_together_from_tokens_is_what_the_template_writes(bool large)
    {
        var (tokenizer, template) = (Vocabularies.Gemma4(), large ? ChatTemplate.Gemma4 : ChatTemplate.Gemma4Small);
        var readout = new ThoughtReadout(template, tokenizer);
        ChatMessage[] question = [new("user", "Pick one.\n(A) cat\n(B) dog")];
        var before = readout.BeforeReasoning(question, "");
        var thoughts = tokenizer.Encode("A dog barks. So B.");
        var whole = template
            .With(new ChatSettings { Thinking = true })
            .Encode(
                tokenizer,
                [.. question, new("assistant", $"{AnswerReadout.Opening}B") { Reasoning = "A dog barks. So B." }],
                addGenerationPrompt: false
            );
        var asked = readout.WithReasoning(before, thoughts);
        Assert.Equal(whole[..asked.Length], asked);
        Assert.Equal(readout.Token("B"), whole[asked.Length]);
        // Without thoughts as the template writes an empty channel, and thinking off as it writes that.
        Assert.EndsWith(
            $"<|turn>model\n<|channel>thought\n<channel|>{AnswerReadout.Opening}",
            tokenizer.Decode(readout.WithReasoning(before, []))
        );
        Assert.EndsWith(
            $"<|turn>model\n{(large ? "<|channel>thought\n<channel|>" : "")}{AnswerReadout.Opening}",
            tokenizer.Decode(readout.WithoutReasoning(question))
        );
        Assert.DoesNotContain("<|think|>", tokenizer.Decode(readout.WithoutReasoning(question)));
        Assert.Equal(thoughts, readout.Trimmed([.. thoughts, .. tokenizer.Encode("\n")]));
    }

    [Fact]
    public void a_template_without_a_channel_has_no_thoughts_to_read()
    {
        using var other = new PlantedReasoner();
        Assert.False(ThoughtReadout.CanRead(other.Model.ChatTemplate, other.Model.Tokenizer));
        Assert.Throws<ArgumentProblemException>(() => new ThoughtReadout(other.Model.ChatTemplate, other.Model.Tokenizer));
        // A template alone is not enough: the marks have to be tokens.
        Assert.False(ThoughtReadout.CanRead(ChatTemplate.Gemma4, other.Model.Tokenizer));
        Assert.True(ThoughtReadout.CanRead(_planted.Model.ChatTemplate, Tokenizer));
    }
}
