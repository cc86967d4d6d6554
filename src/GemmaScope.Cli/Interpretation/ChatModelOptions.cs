using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;

namespace GemmaScope.Cli.Interpretation;

/// <summary>The options that name a language model: at an endpoint, or in this process.</summary>
internal sealed class ChatModelOptions
{
    private readonly Option<Uri?> _endpoint;
    private readonly Option<string?> _endpointModel,
        _chatModel;
    private readonly string _tokenVariable;
    private readonly string? _role;

    /// <param name="command">The command that gets them.</param>
    /// <param name="role">What the model is, which stands before their names; null for no more than its options.</param>
    /// <param name="does">What the model does, for --help.</param>
    /// <param name="tokenVariable">The environment variable that holds the endpoint's token.</param>
    public ChatModelOptions(Command command, string? role, string does, string tokenVariable)
    {
        (_tokenVariable, _role) = (tokenVariable, role);
        var prefix = role is null ? "" : $"{role.ToLowerInvariant()}-";
        _endpoint = new($"--{prefix}endpoint")
        {
            Description =
                $"{does} a model behind an OpenAI-compatible API, e.g. http://localhost:8080/v1; {tokenVariable} may hold its token.",
            HelpName = "URL",
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                    return address;
                result.AddError($"'{result.Tokens[0].Value}' is no web address, such as http://localhost:8080/v1.");
                return null;
            },
        };
        _endpointModel = new($"--{prefix}endpoint-model") { Description = "The model's name there.", HelpName = "NAME" };
        _chatModel = new Option<string?>($"--{prefix}chat-model")
        {
            Description = $"{does} a chat model in this process: a folder, demo-it, or org/name on the hub.",
            HelpName = "MODEL",
        }.Offering(KnownWords.Models);
        foreach (var option in (Option[])[_endpoint, _endpointModel, _chatModel])
            command.Options.Add(option);
    }

    /// <summary>The model that was named, or null.</summary>
    /// <exception cref="GemmaScopeException">Two are named, or one that is not there.</exception>
    public IChatClient? Open(ParseResult arguments, Session session, RequestBudget budget, TimeSpan timeout, int seed)
    {
        var (endpoint, name, local) = (arguments.GetValue(_endpoint), arguments.GetValue(_endpointModel), arguments.GetValue(_chatModel));
        if (endpoint is not null && local is not null)
            throw new ArgumentProblemException($"cannot be combined with {_chatModel.Name}; name one model", _endpoint.Name);
        if (endpoint is null && name is not null)
            throw new ArgumentProblemException($"needs {_endpoint.Name}, the address where the model is", _endpointModel.Name);
        if (local is not null)
        {
            var microscope = MicroscopeArguments.Open(new() { Model = local, Use = DictionaryUse.None }, session);
            foreach (var note in ChatTuning.Notes(microscope.Model))
                session.Terminal.Error.WriteLine($"note: {note}");
            return new LocalJudge(new GemmaChatClient(microscope, ownsMicroscope: true), budget);
        }
        if (endpoint is null)
            return null;
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentProblemException($"is missing; say which model of {endpoint.Host} to ask", _endpointModel.Name);
        var token = Environment.GetEnvironmentVariable(_tokenVariable) is { Length: > 0 } secret ? secret.Trim() : null;
        if (token is not null && endpoint.Scheme == "http" && !endpoint.IsLoopback)
            session.Terminal.Error.WriteLine(
                $"note: {_tokenVariable} goes to {endpoint.Host} unprotected; use https where others can listen"
            );
        return new ChatEndpoint(
            new()
            {
                Role = _role,
                Endpoint = endpoint,
                EndpointModel = name,
                Token = token,
                TokenVariable = _tokenVariable,
                Timeout = timeout,
                Seed = seed,
            },
            budget
        );
    }
}
