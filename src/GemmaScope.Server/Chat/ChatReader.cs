using System.Numerics.Tensors;
using GemmaScope.Features;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Chat;

/// <summary>Reads what the model holds while it reads and writes messages: the strongest features, and how far each token lies along
/// directions.</summary>
/// <param name="served">The model.</param>
/// <param name="dictionary">The dictionary that names features; null for none.</param>
/// <param name="directions">The directions that are watched.</param>
internal sealed class ChatReader(ServerModel served, MicroscopeDictionary? dictionary, IReadOnlyList<ServedDirection> directions)
{
    /// <summary>Features named of a message.</summary>
    public const int Named = 5;

    /// <summary>Reads some messages in one run over the whole conversation, on the queue's thread.</summary>
    /// <param name="ids">The conversation.</param>
    /// <param name="messages">The tokens of each message that is wanted.</param>
    /// <param name="edits">The steering under which it is read.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public MessageReading[] Read(int[] ids, IReadOnlyList<int[]> messages, IReadOnlyList<Edit> edits, CancellationToken cancellationToken)
    {
        Site[] sites = [.. dictionary?.Dictionary.InputSites ?? [], .. directions.Select(one => one.Site)];
        if (sites.Length == 0)
            return [.. messages.Select(message => new MessageReading(Pieces(ids, message), [], []))];
        using var run = served.Model.Run(
            ids,
            capture: sites.Distinct(),
            edits: edits,
            logits: LogitRows.None,
            cancellationToken: cancellationToken
        );
        var features = dictionary?.Dictionary.Encode(run, cancellationToken);
        var counted = CountedPositions.Of(ids, served.Model.Tokenizer);
        return [.. messages.Select(message => new MessageReading(Pieces(ids, message), Top(message), Along(message)))];

        FeatureReport[] Top(int[] message)
        {
            if (features is null || dictionary is null)
                return [];
            int[] rows = [.. message.Where(row => counted[row])];
            var meanings = served.Features?.Meanings(served.Name, dictionary.Dictionary, PassageFeatures.Active(features, rows));
            var links = new FeatureLinks(FeatureLinks.ModelName(served.Name), dictionary.Dictionary);
            return
            [
                .. PassageFeatures
                    .Top(features, rows, Named, meanings)
                    .Select(one => new FeatureReport(
                        one.Feature,
                        one.Value,
                        meanings?.GetValueOrDefault(one.Feature)?.Label,
                        links.Page(one.Feature),
                        links.Neuronpedia(one.Feature)
                    )
                    {
                        Meaning = meanings?.GetValueOrDefault(one.Feature),
                    }),
            ];
        }

        ChatProjection[] Along(int[] message) =>
            [
                .. directions.Select(direction =>
                {
                    var rows = run[direction.Site].AsMatrix();
                    var vector = direction.Vector.Span;
                    var norm = direction.Norm;
                    var values = new float[message.Length];
                    for (var i = 0; i < values.Length; i++)
                        values[i] = (float)(TensorPrimitives.Dot(rows.Row(message[i]), vector) / norm);
                    return new ChatProjection(direction.Name, values.Length == 0 ? null : values.Average(), values);
                }),
            ];
    }

    private string[] Pieces(int[] ids, int[] message) => [.. message.Select(row => served.Model.Tokenizer.Piece(ids[row]))];
}
