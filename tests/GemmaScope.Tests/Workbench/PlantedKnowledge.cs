using System.Numerics.Tensors;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Tests.Workbench;

/// <summary>
/// A chat model of which it is known what it knows: a direction is added where a prompt says something, and its answer is made what it should be,
/// by edits of a run. Of prompts that are not listed it is the model that it was.
/// </summary>
internal sealed class PlantedKnowledge
{
    /// <summary>The layer behind which the direction is added.</summary>
    public const int Layer = 2;

    private const float Strength = 40,
        Loud = 400;

    private readonly GemmaModel _model;
    private readonly Dictionary<string, (Positions Where, float Inside, float Said)> _marks = [];
    private readonly float[] _answer;

    public PlantedKnowledge(GemmaModel model)
    {
        _model = model;
        var random = new Random(11);
        Direction = [.. Enumerable.Range(0, model.Config.Width).Select(_ => (float)(random.NextDouble() - 0.5))];
        TensorPrimitives.Divide(Direction, TensorPrimitives.Norm<float>(Direction), Direction);
        _answer = Towards([model.Tokenizer.Encode("Yes")[0]], [model.Tokenizer.Encode("No")[0]]);
    }

    /// <summary>The direction, of length 1.</summary>
    public float[] Direction { get; }

    /// <summary>The edits of a batch.</summary>
    public IReadOnlyList<Edit> Edits(IReadOnlyList<int[]> prompts)
    {
        var marks = prompts.Select(prompt => _marks.GetValueOrDefault(Key(prompt))).ToArray();
        return
        [
            Edit.OfRun(
                Site.ResidPost(Layer),
                (rows, sequences) =>
                {
                    for (var s = 0; s < marks.Length; s++)
                    for (var position = marks[s].Where.Start; position < marks[s].Where.End; position++)
                    {
                        var row = rows.Row(sequences.Start(s) + position);
                        TensorPrimitives.MultiplyAdd(Direction, Strength * marks[s].Inside, row, row);
                    }
                }
            ),
            Edit.OfRun(
                Site.ResidPost(_model.Config.Layers - 1),
                (rows, sequences) =>
                {
                    for (var s = 0; s < marks.Length; s++)
                    {
                        var row = rows.Row(sequences.Start(s) + sequences.Length(s) - 1);
                        TensorPrimitives.MultiplyAdd(_answer, Loud * marks[s].Said, row, row);
                    }
                }
            ),
        ];
    }

    /// <summary>Lists texts: what is inside at their last token, and what is said behind them, each −1, 0 or 1.</summary>
    public PlantedKnowledge With(string question, IReadOnlyList<string> texts, Func<int, float> inside, Func<int, float>? said = null)
    {
        var asked = AskedTexts.Of(_model, question, texts, null);
        for (var i = 0; i < asked.Prompts.Length; i++)
            _marks[Key(asked.Prompts[i].Tokens.Ids)] = (Positions.At(asked.Spans[i].End - 1), inside(i), said?.Invoke(i) ?? 0);
        return this;
    }

    /// <summary>What raises the logits of some tokens over those of others, of length 1: the head is tied to the embedding.</summary>
    public float[] Towards(int[] tokens, int[] others)
    {
        var sum = new float[_model.Config.Width];
        foreach (var (ids, sign) in ((int[], float)[])[(tokens, 1), (others, -1)])
        foreach (var id in ids)
        {
            using var run = _model.Run([id], capture: [Site.Embed]);
            TensorPrimitives.MultiplyAdd(run[Site.Embed].Row(0), sign, sum, sum);
        }
        TensorPrimitives.Divide(sum, TensorPrimitives.Norm<float>(sum), sum);
        return sum;
    }

    /// <summary>What raises the logit of a token where it is added behind the last layer, of length 1: it is read behind a norm with
    /// gains.</summary>
    public float[] Saying(int token)
    {
        using var stored = SafetensorsFile.Open(Path.Combine(_model.Folder, "model.safetensors"));
        using var gains = stored["model.norm.weight"].ToF32();
        // What the token has and others do not: what all embeddings have in common raises all logits to their cap.
        int[] others = [.. Enumerable.Range(1, 256).Select(i => i * (_model.Tokenizer.VocabularySize / 257))];
        var read = Towards([token], []);
        foreach (var other in others)
            TensorPrimitives.MultiplyAdd(Towards([other], []), -1f / others.Length, read, read);
        for (var i = 0; i < read.Length; i++)
            read[i] *= 1 + gains.AsSpan()[i];
        TensorPrimitives.Divide(read, TensorPrimitives.Norm<float>(read), read);
        return read;
    }

    private static string Key(int[] prompt) => string.Join(' ', prompt);
}
