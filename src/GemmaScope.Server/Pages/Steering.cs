using System.Runtime.CompilerServices;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Pages;

/// <summary>A prompt to be continued with and without a feature's direction. The defaults are those of METHODS §7.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Strength">What W_dec is multiplied by, −300 to 300.</param>
/// <param name="Seed">The same seed gives the same texts.</param>
/// <param name="MaxTokens">New tokens at most, to 256.</param>
/// <param name="Temperature">0 for the most likely token.</param>
/// <param name="FrequencyPenalty">Subtracted from a logit for each time its token stood there.</param>
internal sealed record SteerRequest(
    string Dictionary, int Feature, string Text, double Strength = SteerRequest.DefaultStrength, int Seed = SteerRequest.DefaultSeed, int MaxTokens = SteerRequest.MostTokens, double Temperature = 0.5, double FrequencyPenalty = 1)
{
    public const double DefaultStrength = 10, LargestStrength = 300;
    public const int MostTokens = 256, DefaultSeed = 16;
}

/// <summary>A few more words of one of the two texts.</summary>
/// <param name="Kind">normal or steered.</param>
/// <param name="Text">What comes next.</param>
internal sealed record SteeredPiece(string Kind, string Text);

/// <summary>
/// Continues prompts with and without a feature: x ← x + strength · W_dec,i (METHODS §6.5, add) where the dictionary writes, at every position but BOS, those
/// of the prompt too. Both texts begin with the same seed. The queue gets a turn every few tokens, so that a long text keeps nobody waiting.
/// </summary>
internal sealed class Steering(ServerModel served, ModelQueue queue)
{
    private const int TokensEach = 4;

    /// <summary>Both texts, in turns and as they come.</summary>
    /// <exception cref="ArgumentProblemException">The request is out of range, or the dictionary writes to several sites.</exception>
    public async IAsyncEnumerable<SteeredPiece> Continue(MicroscopeDictionary dictionary, SteerRequest request, string source, [EnumeratorCancellation] CancellationToken client)
    {
        var (prompt, edit) = Check(dictionary, request);
        var options = new GenerationOptions
        {
            MaxNewTokens = request.MaxTokens, Temperature = request.Temperature, FrequencyPenalty = request.FrequencyPenalty, Seed = request.Seed,
        };
        using var normal = new Writer("normal", served.Model, prompt, options);
        using var steered = new Writer("steered", served.Model, prompt, options with { Edits = [edit] });
        while (!normal.IsDone || !steered.IsDone)
            foreach (var writer in (Writer[])[normal, steered])
                if (!writer.IsDone && await queue.Run(source, writer.Next, client) is { Length: > 0 } text) yield return new(writer.Kind, text);
    }

    /// <summary>The prompt's tokens, and the change.</summary>
    public (int[] Prompt, Edit Edit) Check(MicroscopeDictionary dictionary, SteerRequest request)
    {
        var one = dictionary.Dictionary;
        if ((uint)request.Feature >= (uint)one.Width) throw new ArgumentProblemException($"{request.Feature} is no feature of this dictionary, which has {one.Width}", "feature");
        if (one.OutputSites.Count != 1) throw new ArgumentProblemException("writes to several sites; steering needs one that writes to one", dictionary.Name);
        if (!(Math.Abs(request.Strength) <= SteerRequest.LargestStrength)) throw new ArgumentProblemException($"must be from {-SteerRequest.LargestStrength} to {SteerRequest.LargestStrength}", "strength");
        if (request.MaxTokens is < 1 or > SteerRequest.MostTokens) throw new ArgumentProblemException($"must be from 1 to {SteerRequest.MostTokens}", "max_tokens");
        if (request.Text.Length is 0 or > TextReader.LongestText) throw new ArgumentProblemException($"must have 1 to {TextReader.LongestText} characters", "text");
        var direction = new float[one.OutputWidth];
        one.Decoder(request.Feature, direction);
        return (served.Model.Tokenizer.Encode(request.Text.ReplaceLineEndings("\n"), addBos: true), Edit.Add(one.OutputSite, direction, (float)request.Strength, 1..));
    }

    /// <summary>One text being written.</summary>
    private sealed class Writer(string kind, GemmaModel model, int[] prompt, GenerationOptions options) : IDisposable
    {
        private readonly Text.StreamingDecoder _decoder = model.Tokenizer.CreateStream(skipSpecial: true);
        // A turn's token ends with the turn, so it is asked between tokens and not handed to the generation.
        private readonly IEnumerator<int> _tokens = model.Generate(prompt, options).GetEnumerator();

        public string Kind => kind;

        public bool IsDone { get; private set; }

        /// <summary>The next few tokens as text.</summary>
        public string Next(CancellationToken turn)
        {
            var text = "";
            for (var i = 0; i < TokensEach && !IsDone; i++)
            {
                turn.ThrowIfCancellationRequested();
                if (_tokens.MoveNext()) text += _decoder.Append(_tokens.Current);
                else
                {
                    IsDone = true;
                    text += _decoder.Flush();
                }
            }
            return text;
        }

        public void Dispose() => _tokens.Dispose();
    }
}
