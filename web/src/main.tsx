import { render } from 'preact';
import { App } from './app.tsx';
import { connect } from './live/connect.ts';
import { receive, tick } from './live/store.ts';
import { listenToKeys } from './parts/keys.ts';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/now.css';
import './styles/places.css';
import './styles/incident.css';
import './styles/business.css';
import './styles/narrow.css';

const root = document.getElementById('page');
if (root !== null) render(<App />, root);
connect(receive);
setInterval(tick, 1_000);
listenToKeys();
